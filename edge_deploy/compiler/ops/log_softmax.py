"""LOG_SOFTMAX over the last dimension. Kernel: firmware/src/nn/log_softmax.h, for every target."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import softmax
from edge_deploy.compiler.ops.layer import Code, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.rows import Rows
from edge_deploy.compiler.quantization import Multiplier, SoftmaxScaling


@dataclass(frozen=True)
class LogSoftmax(Rows):
    """reverse: from Q5.26 back to a difference of inputs."""

    scaling: SoftmaxScaling
    reverse: Multiplier

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        return Code(
            include="nn/log_softmax.h",
            stem="log_softmax",
            parameters="const ed_log_softmax_shape *shape, const int8_t *input, int8_t *output",
            body="    ed_log_softmax(shape, input, output);",
            shape=Shape(
                "ed_log_softmax_shape",
                softmax.fields(self.rows, self.depth, self.scaling)
                | {
                    "reverse_multiplier": self.reverse.multiplier,
                    "reverse_shift": self.reverse.shift,
                },
            ),
        )


def read(site: Site) -> LogSoftmax:
    """A LOG_SOFTMAX of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    depth = softmax.depth_of(site, source, output)
    if site.scale(output) != 16 / 256 or site.zero_point(output) != 127:
        raise unsupported(site, "has an output of other scale than 1/16 or zero point than 127")
    scaling = quantization.softmax_scaling(1.0, site.scale(source))
    # Source: PreprocessLogSoftmaxScalingExp, which ends the process where there is none.
    reverse = None
    if scaling is not None:
        back = math.ldexp(1.0, 31 - scaling.left_shift) / scaling.multiplier
        reverse = quantization.quantize_multiplier_below_one(back)
    if scaling is None or reverse is None:
        raise unsupported(site, "has an input scale of 2^-26 or less")
    return LogSoftmax(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        rows=source.elements // depth,
        depth=depth,
        scaling=scaling,
        reverse=reverse,
    )
