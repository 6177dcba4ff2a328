"""From a lab's recipe to an int8 `.tflite` and its card: the one room that knows TensorFlow.

Importing this room does not import TensorFlow; calling `train` or `quantize` does, and
`quantize_file` has another process do so. Nothing here prints: progress goes to a callback,
results come back as values.
"""

from __future__ import annotations

from edge_deploy.training.checkpoint import AlreadyTraining, CannotGoOn, Kept, kept
from edge_deploy.training.drawings import pictures
from edge_deploy.training.fitting import TrainingDiverged, Watch
from edge_deploy.training.quantize import quantize
from edge_deploy.training.quantized import Quantized, Request, quantize_file
from edge_deploy.training.recipe import About, Aim, Data, Knob, Network, Plan, Quick, Samples
from edge_deploy.training.result import Batch, Comparison, Epoch, TrainResult, complete
from edge_deploy.training.runtime import TrainingMissing
from edge_deploy.training.train import quick_of, train

__all__ = [
    "About",
    "Aim",
    "AlreadyTraining",
    "Batch",
    "CannotGoOn",
    "Comparison",
    "Data",
    "Epoch",
    "Kept",
    "Knob",
    "Network",
    "Plan",
    "Quantized",
    "Quick",
    "Request",
    "Samples",
    "TrainResult",
    "TrainingDiverged",
    "TrainingMissing",
    "Watch",
    "complete",
    "kept",
    "pictures",
    "quantize",
    "quantize_file",
    "quick_of",
    "train",
]
