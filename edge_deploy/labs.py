"""lab.yaml -> Lab: a recipe's folder with its trained model, its source of inputs, its budgets.

Finds labs by name among those that ship with edge-deploy, or by folder anywhere. Knows nothing
about what the model computes, nor whether the boards that budgets name exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from edge_deploy import places, sensing, yamlfile
from edge_deploy.errors import BadInput
from edge_deploy.sensing import (
    AudioFeatureSettings,
    DecisionSettings,
    FeatureSettings,
    SourceSettings,
)
from edge_deploy.yamlfile import Value

FILE = "lab.yaml"

# What a budget can limit; `edge_deploy/budgets.py` knows their units.
BUDGETS = ("flash_bytes", "ram_bytes", "arena_bytes", "latency_us", "energy_uj", "accuracy", "auc")

# More than any classifier of this size of board has.
_LABELS_MOST = 1_000
_LABEL_CHARACTERS_MOST = 64


class UnknownLab(BadInput):
    """Neither a lab of that name nor a folder with a lab.yaml."""


@dataclass(frozen=True)
class Lab:
    """A recipe with its trained model.

    model: path of the `.tflite`; it may not have been trained yet.
    labels: a name for each output, or none.
    budgets: board -> resource (one of BUDGETS) -> limit in the unit of the resource's name.
    features, decision: there where the source is a sensor, and only there.
    """

    name: str
    title: str
    folder: Path
    model: Path
    labels: tuple[str, ...] = ()
    source: SourceSettings = field(default_factory=SourceSettings)
    budgets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    features: FeatureSettings | None = None
    decision: DecisionSettings | None = None

    @property
    def audio(self) -> AudioFeatureSettings | None:
        """The features of a lab that listens; None for one that does not."""
        return self.features if isinstance(self.features, AudioFeatureSettings) else None


def load(name_or_folder: str) -> Lab:
    """The lab that ships under that name, or the one in that folder.

    A bare name means the shipped lab first; `./name` is always the folder.
    Raises UnknownLab, or BadFile where lab.yaml is not what it should be.
    """
    shipped = places.shipped("labs")
    if PurePosixPath(name_or_folder).name == name_or_folder and name_or_folder not in {".", ".."}:
        folder = shipped / name_or_folder
        if (folder / FILE).is_file():
            return load_folder(folder)
    folder = Path(name_or_folder)
    if (folder / FILE).is_file():
        return load_folder(folder)
    if folder.is_dir():
        raise UnknownLab(f"{name_or_folder} is a folder without a {FILE}.")
    known = [path.name for path in _shipped_folders()]
    near = difflib.get_close_matches(name_or_folder, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UnknownLab(
        f"no lab is called {name_or_folder!r}, nor is that a folder; "
        f"known are {', '.join(known)}.{hint}",
        try_next=["edge-deploy labs"],
    )


def load_all() -> list[Lab]:
    """The labs that ship with edge-deploy, by name. Raises BadFile."""
    return [load_folder(folder) for folder in _shipped_folders()]


def load_folder(folder: Path) -> Lab:
    """The lab in `folder`. Raises BadFile."""
    return read(yamlfile.load(folder / FILE), folder)


def read(root: Value, folder: Path) -> Lab:
    """The lab of a parsed lab.yaml that stands in `folder`. Raises BadFile."""
    fields = root.fields(
        required=("title", "model"),
        optional=("labels", "source", "features", "decision", "budgets"),
    )
    labels = fields.get("labels")
    budgets = fields.get("budgets")
    names = () if labels is None else _labels(labels)
    source, features, decision = sensing.read(fields, names)
    return Lab(
        name=folder.resolve().name,
        title=fields["title"].text(),
        folder=folder,
        model=folder / _model(fields["model"]),
        labels=names,
        source=source,
        budgets=MappingProxyType({} if budgets is None else _budgets(budgets)),
        features=features,
        decision=decision,
    )


def _shipped_folders() -> list[Path]:
    """The folders with a lab.yaml below the shipped `labs/`, by name."""
    root = places.shipped("labs")
    return sorted(path.parent for path in root.glob(f"*/{FILE}"))


def _model(value: Value) -> Path:
    """`model`: a file inside the lab's folder, so that the folder can be handed on whole."""
    text = value.text()
    path = PurePosixPath(text)
    if path.suffix != ".tflite" or path.is_absolute() or ".." in path.parts or "\\" in text:
        raise value.expected("a .tflite inside this folder")
    return Path(path)


def _labels(value: Value) -> tuple[str, ...]:
    """`labels`: texts, each once."""
    entries = value.entries(least=1)
    if len(entries) > _LABELS_MOST:
        raise value.expected(f"at most {_LABELS_MOST:,} labels")
    found: dict[str, Value] = {}
    for entry in entries:
        text = entry.text(most=_LABEL_CHARACTERS_MOST)
        if text in found:
            raise entry.wrong(f"{text!r} is on line {found[text].line} already.")
        found[text] = entry
    return tuple(found)


def _budgets(value: Value) -> dict[str, Mapping[str, float]]:
    """`budgets`: limits by board."""
    found: dict[str, Mapping[str, float]] = {}
    for board, entry in value.named().items():
        fields = entry.fields(required=(), optional=BUDGETS)
        limits = {resource: fields.get(resource) for resource in BUDGETS}
        found[board] = MappingProxyType(
            {key: limit.number(0, 1e12) for key, limit in limits.items() if limit is not None}
        )
    return found
