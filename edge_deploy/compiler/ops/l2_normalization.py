"""L2_NORMALIZATION over the last dimension. Kernel: firmware/src/nn/l2_normalization.h."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.layer import Code, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.rows import Rows

# The most dimensions that the reference takes (l2norm.cc, Prepare).
_MOST_DIMENSIONS = 4
# Squares of this many values less their zero point fit an int32.
_MOST_DEPTH = (2**31 - 1) // 255**2


@dataclass(frozen=True)
class L2Normalization(Rows):
    """zero_point: of the input; the output has 0."""

    zero_point: int

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        return Code(
            include="nn/l2_normalization.h",
            stem="l2_normalization",
            parameters=(
                "const ed_l2_normalization_shape *shape, const int8_t *input, int8_t *output"
            ),
            body="    ed_l2_normalization(shape, input, output);",
            shape=Shape(
                "ed_l2_normalization_shape",
                {"rows": self.rows, "depth": self.depth, "zero_point": self.zero_point},
            ),
        )


def read(site: Site) -> L2Normalization:
    """An L2_NORMALIZATION of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    if source.shape != output.shape or not 1 <= len(source.shape) <= _MOST_DIMENSIONS:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    if site.scale(output) != 1 / 128 or site.zero_point(output) != 0:
        raise unsupported(site, "has an output of other scale than 1/128 or zero point than 0")
    if site.option("fused_activation_function") != "NONE":
        raise unsupported(site, "has a fused activation, which the reference cannot do")
    depth = source.shape[-1]
    if depth > _MOST_DEPTH:
        raise unsupported(site, f"is over {depth:,} values; {_MOST_DEPTH:,} is the most")
    return L2Normalization(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        rows=source.elements // depth,
        depth=depth,
        zero_point=site.zero_point(source),
    )
