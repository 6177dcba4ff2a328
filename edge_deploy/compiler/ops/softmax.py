"""SOFTMAX over the last dimension. Kernel: firmware/src/nn/softmax.h, for every target."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Site, struct_body
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import SoftmaxScaling

# The sum of exponentials is Q12.19: this many ones fit.
_MAX_DEPTH = 4095


@dataclass(frozen=True)
class Softmax(Layer):
    """rows times depth values."""

    rows: int
    depth: int
    scaling: SoftmaxScaling

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{self.rows}x{self.depth} -> {self.rows}x{self.depth}"

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return Overlap(0, 0)

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        fields = {
            "rows": self.rows,
            "depth": self.depth,
            "multiplier": self.scaling.multiplier,
            "left_shift": self.scaling.left_shift,
            "lowest_difference": self.scaling.lowest_difference,
        }
        return Code(
            include="nn/softmax.h",
            stem="softmax",
            parameters="const int8_t *input, int8_t *output",
            body=struct_body("ed_softmax_shape", "ed_softmax(&shape, input, output)", fields),
        )


def read(site: Site) -> Softmax:
    """A SOFTMAX of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    if not source.shape or source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    if site.scale(output) != 1 / 256 or site.zero_point(output) != -128:
        raise unsupported(site, "has an output of other scale than 1/256 or zero point than -128")
    depth = source.shape[-1]
    if depth > _MAX_DEPTH:
        raise unsupported(site, f"is over {depth} values; {_MAX_DEPTH} is the most")
    scaling = quantization.softmax_scaling(float(site.option("beta")), site.scale(source))
    if scaling is None:
        raise unsupported(site, "has a product of beta and input scale below 2^-26")
    return Softmax(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        rows=source.elements // depth,
        depth=depth,
        scaling=scaling,
    )
