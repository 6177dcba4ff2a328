"""Tensors of several types as kernels take them: firmware/src/nn/element.h."""

from __future__ import annotations

from edge_deploy.compiler.ops.layer import Overlap
from edge_deploy.model.graph import DType, Tensor

# How C names a type of elements.
ELEMENTS = {
    DType.BOOL: "ED_ELEMENT_BOOL",
    DType.INT8: "ED_ELEMENT_INT8",
    DType.UINT8: "ED_ELEMENT_UINT8",
    DType.INT16: "ED_ELEMENT_INT16",
    DType.INT32: "ED_ELEMENT_INT32",
    DType.INT64: "ED_ELEMENT_INT64",
    DType.FLOAT32: "ED_ELEMENT_FLOAT32",
}
# Types through which C may look at any memory.
_BYTES = (DType.BOOL, DType.INT8, DType.UINT8)


def shapes_of(source: Tensor, output: Tensor) -> str:
    """Shape and types of a layer that changes the type, for a person."""
    size = "x".join(map(str, source.shape)) or "scalar"
    return f"{size} {source.dtype.value} -> {output.dtype.value}"


def forward(source: DType, output: DType, count: int) -> Overlap | None:
    """How an output may lie over an input of so many elements that is read forward.

    Where neither has bytes, C may take them for memory that does not overlap.
    """
    if source not in _BYTES and output not in _BYTES:
        return None
    return Overlap(max(0, output.itemsize - source.itemsize) * count)
