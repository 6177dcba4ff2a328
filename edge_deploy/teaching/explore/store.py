"""Points on disk, one file each: what is finished stays, whatever happens to the search.

`FOLDER/KEY.json` is a point, `FOLDER/KEY.tflite` its model. A file is whole or not there. Knows
nothing about how points are made.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import filelock

from edge_deploy.errors import EdgeDeployError
from edge_deploy.teaching.explore import point as points
from edge_deploy.teaching.explore.point import Point

SCHEMA_VERSION = 1
_LOCK = ".lock"


class CannotKeep(EdgeDeployError):
    """The disk refused a result."""


class InUse(EdgeDeployError):
    """Another search writes into the folder."""


class Store:
    """The points in a folder, which is made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else writes meanwhile. Raises InUse, CannotKeep."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / _LOCK)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise InUse(
                f"another search is writing into {self.folder}.",
                try_next=["-o FOLDER    another folder for this one"],
            ) from None
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield
        finally:
            lock.release()

    def load(self, key: str) -> tuple[Point | None, str]:
        """The point of a key, None where there is none; and what is wrong with its file, if so."""
        path = self._path(key)
        try:
            flat = json.loads(path.read_text("utf-8"))
            if flat["schema_version"] != SCHEMA_VERSION or flat["key"] != key:
                return None, f"{path} is of another version"
            return points.from_json(flat), ""
        except FileNotFoundError:
            return None, ""
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return None, f"{path} is damaged ({type(error).__name__})"

    def keep(self, point: Point) -> None:
        """Write a point and its model. Raises CannotKeep; half of a file is never left."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, **point.as_json()}, indent=2) + "\n"
        files = {self._path(point.key): text.encode()}
        if point.model:
            files = {self.model_of(point.key): point.model, **files}
        for path, content in files.items():
            part = path.with_name(path.name + ".part")
            try:
                part.write_bytes(content)
                part.replace(path)
            except OSError as error:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise self._refused(error) from error

    def model_of(self, key: str) -> Path:
        """Where the model of a point is."""
        return self.folder / f"{key}.tflite"

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _refused(self, error: OSError) -> CannotKeep:
        return CannotKeep(
            f"{self.folder}: the result cannot be kept: {error.strerror or error}.",
            try_next=[
                f"df -h {self.folder.absolute().parent}    how much is free",
                "the same command again goes on with the points that are kept",
            ],
        )
