"""Models: the bytes of a `.tflite` into a Graph, what it costs, and the reference to hold it to.

`read` makes the Graph; `macs` and `weights_bytes` say what it takes; `oracle` runs the same
file in TensorFlow Lite; `safe_name` makes names from the file fit to show.
"""

from edge_deploy.model.footprint import macs, weights_bytes
from edge_deploy.model.graph import DType, Graph, Operator, Quantization, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.model.reader import read
from edge_deploy.model.refusals import BadModel

__all__ = [
    "BadModel",
    "DType",
    "Graph",
    "Operator",
    "Quantization",
    "Tensor",
    "macs",
    "read",
    "safe_name",
    "weights_bytes",
]
