"""QUANTIZE and DEQUANTIZE: from and to float32, and between integers of other scales.

Between 8-bit types QUANTIZE is a table (lookup.py). Kernels: firmware/src/nn/quantize.h, for every
target, and firmware/src/nn/m4/quantize.h for floats to 8 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import lookup
from edge_deploy.compiler.ops.element import ELEMENTS, forward, shapes_of
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Layer, Overlap, Site, struct_body
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.compiler.text import c_float, c_int32
from edge_deploy.model.graph import DType, Quantization, Tensor

_BYTES = (DType.INT8, DType.UINT8)

# What the reference makes of what, beside tables.
_FROM_FLOAT = (DType.INT8, DType.UINT8, DType.INT16)
_TO_FLOAT = (DType.INT8, DType.UINT8, DType.INT16)
_AGAIN = {
    DType.INT16: (DType.INT8, DType.INT16, DType.INT32),
    DType.INT32: (DType.INT8, DType.INT16),
}
# From this scale to its inverse, no number of the Cortex-M4's kernel leaves the normal ones.
_LEAST_QUICK = 2.0**-60


@dataclass(frozen=True)
class Converted(Layer):
    """count values that change their type or scale."""

    count: int
    source_type: DType
    output_type: DType
    shapes_text: str

    @property
    def shapes(self) -> str:
        """Shape and types, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return forward(self.source_type, self.output_type, self.count)


@dataclass(frozen=True)
class Quantize(Converted):
    """float32 to integers."""

    parameters: Quantization

    def code(self, target: str) -> Code:
        """The layer in C."""
        limits = np.iinfo(self.output_type.value)
        scale = self.parameters.scale
        fields: dict[str, int | str] = {
            "count": self.count,
            "to": ELEMENTS[self.output_type],
            "scale": c_float(scale),
            "zero_point": self.parameters.zero_point,
            "lowest": int(limits.min),
            "highest": int(limits.max),
        }
        include, prefix = "nn/quantize.h", "ed_quantize"
        quick = self.output_type in _BYTES and _LEAST_QUICK <= scale <= 1 / _LEAST_QUICK
        if target == CORTEX_M4 and quick:
            include, prefix = "nn/m4/quantize.h", "ed_m4_quantize"
            most = np.float32(scale * 2**14)
            fields = {f"exact.{name}": value for name, value in fields.items()} | {
                "inverse": c_float(float(np.float32(1) / np.float32(scale))),
                "limit": f"0x{2 * int(most.view(np.uint32)):08x}u",
            }
        return Code(
            include=include,
            stem="quantize",
            parameters="const float *input, void *output",
            body=struct_body(f"{prefix}_shape", f"{prefix}(&shape, input, output)", fields),
        )


@dataclass(frozen=True)
class Dequantize(Converted):
    """Integers to float32."""

    parameters: Quantization

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        fields: dict[str, int | str] = {
            "count": self.count,
            "from": ELEMENTS[self.source_type],
            "scale": c_float(self.parameters.scale),
            "zero_point": self.parameters.zero_point,
        }
        return Code(
            include="nn/quantize.h",
            stem="dequantize",
            parameters="const void *input, float *output",
            body=struct_body(
                "ed_quantize_back_shape", "ed_quantize_back(&shape, input, output)", fields
            ),
        )


@dataclass(frozen=True)
class Requantize(Converted):
    """Integers to integers of another scale, one of the types wider than a byte."""

    factor: Multiplier
    input_zero_point: int
    output_zero_point: int

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        limits = np.iinfo(self.output_type.value)
        fields: dict[str, int | str] = {
            "count": self.count,
            "from": ELEMENTS[self.source_type],
            "to": ELEMENTS[self.output_type],
            "multiplier": self.factor.multiplier,
            "shift": self.factor.shift,
            "input_zero_point": c_int32(self.input_zero_point),
            "output_zero_point": c_int32(self.output_zero_point),
            "lowest": c_int32(int(limits.min)),
            "highest": int(limits.max),
        }
        return Code(
            include="nn/quantize.h",
            stem="requantize",
            parameters="const void *input, void *output",
            body=struct_body(
                "ed_quantize_again_shape", "ed_quantize_again(&shape, input, output)", fields
            ),
        )


def read(site: Site) -> Layer:
    """A QUANTIZE of the file, checked. Raises UnsupportedModel."""
    source = site.tensor(0)
    if source.dtype in _BYTES:
        return lookup.read(site)
    if source.dtype is DType.FLOAT32:
        output = site.activation(site.output, "an output", _FROM_FLOAT)
        common = _common(site, source, output)
        return Quantize(**common, parameters=_parameters(output))
    source = site.activation(source, "an input", tuple(_AGAIN))
    output = site.activation(site.output, "an output", _AGAIN[source.dtype])
    zero_points = site.zero_point(source), site.zero_point(output)
    if source.dtype is output.dtype is DType.INT16 and zero_points != (0, 0):
        raise unsupported(site, f"has zero points {zero_points}; 0 is what int16 to int16 has")
    factor = quantization.quantize_multiplier(site.scale(source) / site.scale(output))
    return Requantize(
        **_common(site, source, output),
        factor=factor,
        input_zero_point=zero_points[0],
        output_zero_point=zero_points[1],
    )


def read_back(site: Site) -> Dequantize:
    """A DEQUANTIZE of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input", _TO_FLOAT)
    output = site.at_run_time(site.output, "an output")
    if output.dtype is not DType.FLOAT32:
        raise unsupported(site, f"makes {output.dtype.value}; float32 is what it is for")
    if source.dtype is DType.INT16 and site.zero_point(source) != 0:
        raise unsupported(site, f"has zero point {site.zero_point(source)}; 0 is what int16 has")
    return Dequantize(**_common(site, source, output), parameters=_parameters(source))


def _common(site: Site, source: Tensor, output: Tensor) -> dict[str, Any]:
    """What all three have, of two tensors of equal shape."""
    site.at_run_time(source, "an input")
    if source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    return {
        "index": site.operator.index,
        "operator": site.operator.name,
        "inputs": (source.index,),
        "outputs": (output.index,),
        "count": source.elements,
        "source_type": source.dtype,
        "output_type": output.dtype,
        "shapes_text": shapes_of(source, output),
    }


def _parameters(tensor: Tensor) -> Quantization:
    assert tensor.quantization is not None
    return tensor.quantization
