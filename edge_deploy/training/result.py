"""What training gives: the model's bytes, its card, and every figure with its origin."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.quantity import Quantity
from edge_deploy.roc import Roc
from edge_deploy.training.classification import Classification

Interval = tuple[float, float]

# Of the files in a lab's folder those that it needs beside its model.
_COMPANIONS = {".yaml", ".py", ".csv"}

CURVE, CONFUSION, ROC, OUTPUTS = "curve.png", "confusion.png", "roc.png", "outputs.png"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training samples, as it is reported while training runs.

    validation_accuracy: a share, where the network was compiled with the metric `accuracy`.
    """

    number: int
    of: int
    loss: float
    validation_loss: float
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Batch:
    """Batch `number` of `of` of an epoch is done. loss: the epoch's mean so far."""

    epoch: int
    epochs: int
    number: int
    of: int
    loss: float


@dataclass(frozen=True)
class Comparison:
    """One figure of the test samples, by the float network and by the int8 model.

    float_interval, int8_interval: the ends of their 95 % intervals, where there is one.
    """

    name: str
    in_float: Quantity
    in_int8: Quantity
    float_interval: Interval | None = None
    int8_interval: Interval | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is an accuracy or an area, whose differences are points."""
        return self.name.startswith(("accuracy", "auc"))

    @property
    def change(self) -> str:
        """int8 less float: `-0.35 points`, or a number in the figure's unit."""
        less = self.in_int8.value - self.in_float.value
        return f"{100 * less:+.2f} points" if self.is_share else f"{less:+.4g}"

    def as_json(self) -> dict[str, Any]:
        """For `--json`: both quantities, and the intervals that are known."""
        content: dict[str, Any] = {
            "float": self.in_float.as_json(),
            "int8": self.in_int8.as_json(),
        }
        for key, ends in (("float", self.float_interval), ("int8", self.int8_interval)):
            if ends is not None:
                content[key]["interval_95"] = list(ends)
        return content


@dataclass(frozen=True)
class Outputs:
    """The test samples' targets and what both models made of them, each (n, ...).

    float_curves, int8_curves: where anomalies are scored, ROC curves by the figure that is the area
    below each.
    """

    targets: NDArray[Any]
    in_float: NDArray[np.float32]
    in_int8: NDArray[np.float32]
    float_curves: Mapping[str, Roc] = field(default_factory=dict)
    int8_curves: Mapping[str, Roc] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainResult:
    """A trained lab. `model`, `card` and pictures are what belongs into its folder.

    classes: where the recipe has labels. history: of every epoch, those before an interruption
    too. best_epoch: whose weights the model has. epochs: planned; early stopping may have trained
    fewer. pictures: the names of what its card shows. seconds: wall time of training, quantizing
    and evaluating since the call; not in the card, which is the same for the same seed.
    """

    lab: str
    model: bytes
    sha256: str
    card: str
    figures: tuple[Comparison, ...]
    classes: Classification | None
    history: tuple[Epoch, ...]
    best_epoch: int
    seed: int
    epochs: int
    quick: bool
    parameters: int
    outputs: Outputs
    pictures: tuple[str, ...]
    test_samples: int
    reference: str
    seconds: float

    def write(self, folder: Path, pictures: Mapping[str, bytes] | None = None) -> tuple[Path, Path]:
        """Write `model.tflite`, `card.md` and pictures into `folder`, made if need be.

        pictures: by file name, as `picturing.pictures` draws them. Returns the paths of the model
        and of the card.
        """
        folder.mkdir(parents=True, exist_ok=True)
        model, card = folder / "model.tflite", folder / "card.md"
        files = {model: self.model, card: self.card.encode()}
        files |= {folder / name: content for name, content in (pictures or {}).items()}
        parts = {path: path.with_name(path.name + ".part") for path in files}
        try:
            # All of them or none: a lab never has half a model, nor another one's card.
            for path, content in files.items():
                parts[path].write_bytes(content)
            for path, part in parts.items():
                part.replace(path)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
        return model, card


def complete(folder: Path, lab_folder: Path) -> None:
    """Copy what makes `folder`, with a model of the lab in `lab_folder`, a lab of its own.

    lab.yaml, the recipe and the tables that it reads: so every verb takes the folder. What is there
    already stays as it is.
    """
    for path in sorted(lab_folder.iterdir()):
        target = folder / path.name
        if path.is_file() and path.suffix in _COMPANIONS and not target.exists():
            shutil.copyfile(path, target)
