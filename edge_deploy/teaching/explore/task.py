"""One point as a job: all that it depends on, in a form that any machine can be sent.

The lab travels as the content of its files, because another machine has other folders, and a file
that is edited meanwhile must not make half of a search another lab's. Its key stands for all that
decides the result. Knows nothing about how the job is done.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import edge_deploy
from edge_deploy.errors import BadInput
from edge_deploy.training.recipe import Knobs

# To be raised when the same job shall give another result.
_FORMAT = 1
# What stands in a lab's folder but makes no difference to what is trained: pages, pictures, the
# model that was trained before, sound for a demonstration.
_LEFT_OUT = (".md", ".png", ".svg", ".tflite", ".wav")
# A recipe is some ten kilobytes. What is larger belongs into a data set.
FILES_MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Task:
    """One point of a search.

    files: of the lab's folder, by name. knobs: all of the recipe's; inputs: those of them that
    change what the network is given. most_samples: None for all. board: to be measured on. data:
    where the recordings are, as the user said it; empty where nothing was said. data_mark: what
    tells other recordings there apart.
    """

    lab: str
    files: Mapping[str, bytes]
    knobs: Knobs
    inputs: Knobs
    seed: int
    epochs: int
    most_samples: int | None
    board: str
    data: str = ""
    data_mark: str = ""

    @cached_property
    def key(self) -> str:
        """Hex digits that stand for all that the result depends on."""
        parts = {
            "format": _FORMAT,
            "tool_version": edge_deploy.__version__,
            "lab": self.lab,
            "files": {
                name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()
            },
            "knobs": dict(self.knobs),
            "seed": self.seed,
            "epochs": self.epochs,
            "most_samples": self.most_samples,
            "board": self.board,
            "data": self.data_mark,
        }
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def as_text(self) -> str:
        """One line of JSON."""
        flat = {name: getattr(self, name) for name in self.__dataclass_fields__}
        flat["files"] = {
            name: base64.b64encode(content).decode() for name, content in self.files.items()
        }
        return json.dumps({**flat, "knobs": dict(self.knobs), "inputs": dict(self.inputs)})


def from_text(text: str) -> Task:
    """The Task of `as_text`."""
    flat: dict[str, Any] = json.loads(text)
    files = {name: base64.b64decode(content) for name, content in flat.pop("files").items()}
    return Task(files=files, **flat)


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a lab's folder that a result can depend on; none of its subfolders.

    Raises BadInput where one cannot be read, or where they are too large to travel.
    """
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix in _LEFT_OUT or not path.is_file():
            continue
        try:
            found[path.name] = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}.") from error
    size = sum(map(len, found.values()))
    if size > FILES_MOST_BYTES:
        largest = max(found, key=lambda name: len(found[name]))
        raise BadInput(
            f"{folder}: its files have {size:,} B ({largest} alone {len(found[largest]):,} B); "
            f"at most {FILES_MOST_BYTES:,} B travel with every point.",
            try_next=["--data FOLDER    where the recordings are, outside of the lab"],
        )
    return found


def mark_of(data: Path) -> str:
    """What tells a folder of recordings from another: names and sizes, not where it stands.

    Contents are not read: there are thousands of files. Empty where there is no such folder here,
    as on a machine that only hands points to a cluster.
    """
    if not data.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(data.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(data).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:20]
