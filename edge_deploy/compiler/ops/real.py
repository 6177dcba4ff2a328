"""Operators on float32, which compile only as part of a table (passes/reals.py).

Where the reference has no int8 kernel (NEG, SQRT, SQUARE, LOG, SIN, COS, FLOOR), a
converter puts DEQUANTIZE and QUANTIZE around the operator. From int8 to int8 that is a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_deploy.compiler import reals
from edge_deploy.compiler.ops.layer import Code, Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.reals import Transform
from edge_deploy.model.graph import DType


@dataclass(frozen=True)
class Real(Layer):
    """count float32 values. site: where it is in the file, for its refusal."""

    count: int
    transform: Transform = field(compare=False, repr=False)
    site: Site = field(compare=False, repr=False)

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{self.count} -> {self.count}"

    def code(self, target: str) -> Code:
        """Nothing runs on float32: raises UnsupportedModel."""
        del target
        raise unsupported(
            self.site,
            "works on float32 and is not between a DEQUANTIZE and a QUANTIZE of 8 bits",
            ("a full integer quantization of the model, or the operator outside of it",),
        )


def read(site: Site) -> Real:
    """One of these operators, checked. Raises UnsupportedModel."""
    source = site.at_run_time(site.tensor(0), "an input")
    output = site.at_run_time(site.output, "an output")
    for tensor in (source, output):
        if tensor.dtype is not DType.FLOAT32:
            raise unsupported(
                site,
                f"is of {tensor.dtype.value}; the reference has it for float32 alone",
                ("a DEQUANTIZE before it and a QUANTIZE after it make a table of all three",),
            )
    if source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    return Real(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        count=source.elements,
        transform=reals.OPERATORS[site.operator.name](site.operator.options),
        site=site,
    )
