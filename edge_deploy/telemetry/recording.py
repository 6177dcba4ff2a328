"""Readings on disk with their context: one JSON object a line, the first one the header.

What was written stays: a line goes to the file whole or, when the disk is full, not at all, and
a last line that a crash cut off is left out on reading, and said. Knows nothing about sessions.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from edge_deploy import __version__
from edge_deploy.errors import BadInput, EdgeDeployError
from edge_deploy.telemetry import facts
from edge_deploy.telemetry.facts import AudioFacts, SensingFacts
from edge_deploy.telemetry.hello import NUMPY_TYPES, Hello, WireTensor
from edge_deploy.telemetry.readings import Reading, from_json, to_json

SCHEMA_VERSION = 1


class RecordingFailed(EdgeDeployError):
    """The recording cannot be written (any further)."""


@dataclass(frozen=True)
class Header:
    """Where the readings come from.

    on: the device as the user named it. started: UTC, ISO 8601, to the second.
    inputs, outputs, sensing: of the model and the sensing firmware, so that the readings can be
    shown again from the file alone; empty and None in files of versions that did not write them.
    """

    board: str
    variant: str
    port: str
    on: str
    firmware: str
    engine: str
    model_name: str
    model_sha256: str
    clock_hz: int
    labels: tuple[str, ...]
    started: str
    tool_version: str = __version__
    schema_version: int = SCHEMA_VERSION
    source: str = "none"
    inputs: tuple[WireTensor, ...] = ()
    outputs: tuple[WireTensor, ...] = ()
    sensing: SensingFacts | None = None

    @property
    def audio(self) -> AudioFacts | None:
        """How the firmware listened; None where it did not."""
        return self.sensing if isinstance(self.sensing, AudioFacts) else None

    @classmethod
    def now(cls, hello: Hello, *, on: str) -> Header:
        """The header of a recording that begins now, of a board that said `hello`."""
        return cls(
            board=hello.board,
            variant=hello.variant,
            port=hello.port,
            on=on,
            firmware=hello.firmware,
            engine=hello.engine,
            model_name=hello.model,
            model_sha256=hello.sha256,
            clock_hz=hello.clock_hz,
            labels=hello.labels,
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            source=hello.source,
            inputs=hello.inputs,
            outputs=hello.outputs,
            sensing=hello.sensing,
        )

    def as_json(self) -> dict[str, Any]:
        """The first line of the file."""
        flat = {
            "kind": "header",
            "schema_version": self.schema_version,
            "tool_version": self.tool_version,
            "board": self.board,
            "variant": self.variant,
            "port": self.port,
            "on": self.on,
            "firmware": self.firmware,
            "engine": self.engine,
            "model": {"name": self.model_name, "sha256": self.model_sha256},
            "clock_hz": self.clock_hz,
            "labels": list(self.labels),
            "started": self.started,
            "source": self.source,
            "inputs": [_tensor_json(tensor) for tensor in self.inputs],
            "outputs": [_tensor_json(tensor) for tensor in self.outputs],
        }
        if self.sensing is not None:
            flat[self.sensing.record] = dataclasses.asdict(self.sensing)
        return flat


class Recorder:
    """Writes a recording; a context manager. Raises RecordingFailed.

    header: begins a new file at `path`; None goes on with the recording that is there, without
    its last line if that was cut off (raises BadInput if it is not a recording).
    readings: how many are in the file.
    """

    def __init__(self, path: Path, header: Header | None) -> None:
        self.path = path
        loaded = load(path) if header is None else None
        self.readings = len(loaded.readings) if loaded else 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(path, "r+" if loaded else "x+")
            if loaded:
                self._file.truncate(self._file.seek(-loaded.cut_bytes, io.SEEK_END))
        except OSError as error:
            raise RecordingFailed(f"cannot write {path}: {error.strerror}.") from error
        if header is not None:
            try:
                self._write_line(header.as_json())
            except RecordingFailed:
                self.close()
                path.unlink(missing_ok=True)  # a file without a header is no recording
                raise

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, reading: Reading) -> None:
        """Append one reading. Raises RecordingFailed; what was written before stays readable."""
        self._write_line(to_json(reading))
        self.readings += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_line(self, line: Mapping[str, Any]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        start = self._file.tell()
        try:
            left = memoryview(data)
            while left:  # a raw file may take a part only
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(start)
            self._file.seek(start)
            raise RecordingFailed(
                f"cannot write on {self.path} after {self.readings} readings: {error.strerror}; "
                f"they are kept.",
                try_next=("free some space, or record to another disk",),
            ) from error


@dataclass(frozen=True)
class Loaded:
    """A recording that was read. cut_bytes: of a last line without its end, left out."""

    header: Header
    readings: tuple[Reading, ...]
    cut_bytes: int


def load(path: Path) -> Loaded:
    """File to recording. Raises BadInput with the number of the line that is not one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}.") from error
    *lines, rest = data.split(b"\n")
    if not lines:
        raise BadInput(f"{path} is not a recording: it has no header.")
    try:
        header = _read_header(_read_object(lines[0]))
    except (BadInput, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is not a recording: line 1: {error}") from error
    readings: list[Reading] = []
    try:
        readings.extend(from_json(_read_object(line)) for line in lines[1:])
    except BadInput as error:
        raise BadInput(f"{path}, line {len(readings) + 2}: {error.message}") from error
    return Loaded(header, tuple(readings), len(rest))


def _read_object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput("not a JSON object.")
    return value


def _read_header(line: Mapping[str, Any]) -> Header:
    version = line["schema_version"]
    if line["kind"] != "header" or not isinstance(version, int):
        raise BadInput("not a header.")
    if version > SCHEMA_VERSION:
        raise BadInput(
            f"written by edge-deploy {line['tool_version']} in schema {version}; this one "
            f"reads up to {SCHEMA_VERSION}."
        )
    return Header(
        board=str(line["board"]),
        variant=str(line["variant"]),
        port=str(line["port"]),
        on=str(line["on"]),
        firmware=str(line["firmware"]),
        engine=str(line["engine"]),
        model_name=str(line["model"]["name"]),
        model_sha256=str(line["model"]["sha256"]),
        clock_hz=int(line["clock_hz"]),
        labels=tuple(map(str, line["labels"])),
        started=str(line["started"]),
        tool_version=str(line["tool_version"]),
        schema_version=version,
        source=str(line.get("source", "none")),
        inputs=tuple(map(_read_tensor, line.get("inputs", ()))),
        outputs=tuple(map(_read_tensor, line.get("outputs", ()))),
        sensing=facts.from_json(line),
    )


def _tensor_json(tensor: WireTensor) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(tensor).items() if value is not None}


def _read_tensor(flat: Mapping[str, Any]) -> WireTensor:
    """What `_tensor_json` wrote. Raises KeyError, TypeError, ValueError for anything else."""
    scale, zero_point = flat.get("scale"), flat.get("zero_point")
    dtype = str(flat["dtype"])
    if dtype not in NUMPY_TYPES:
        raise ValueError(f"a tensor of {dtype}.")
    return WireTensor(
        name=str(flat["name"]),
        dtype=dtype,
        shape=tuple(int(side) for side in flat["shape"]),
        bytes=int(flat["bytes"]),
        scale=None if scale is None else float(scale),
        zero_point=None if zero_point is None else int(zero_point),
    )
