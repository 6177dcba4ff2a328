"""What training gives: the model's bytes, its card, and every figure with its origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_deploy.quantity import Quantity
from edge_deploy.training.classification import Classification


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
    """One figure of the test samples, by the float network and by the int8 model."""

    name: str
    in_float: Quantity
    in_int8: Quantity


@dataclass(frozen=True)
class TrainResult:
    """A trained lab. `model` and `card` are what belongs into its folder.

    classes: where the recipe has labels. history: of every epoch, those before an interruption
    too. best_epoch: whose weights the model has. epochs: planned; early stopping may have trained
    fewer. seconds: wall time of training, quantizing and
    evaluating since the call; not in the card, which is the same for the same seed.
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
    test_samples: int
    reference: str
    seconds: float

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write `model.tflite` and `card.md` into `folder`, made if need be; returns both."""
        folder.mkdir(parents=True, exist_ok=True)
        model, card = folder / "model.tflite", folder / "card.md"
        for path, content in ((model, self.model), (card, self.card.encode())):
            # Whole or not at all: a lab never has half a model.
            part = path.with_name(path.name + ".part")
            part.write_bytes(content)
            part.replace(path)
        return model, card
