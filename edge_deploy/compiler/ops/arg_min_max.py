"""ARG_MAX and ARG_MIN. Kernel: firmware/src/nn/arg_min_max.h, for every target."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.compiler.ops import axes
from edge_deploy.compiler.ops.layer import Code, Layer, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import DType

_SIGNS = {"ARG_MAX": 1, "ARG_MIN": -1}


@dataclass(frozen=True)
class ArgMinMax(Layer):
    """size values along the dimension, inner of them beside each other. wide: int64 indices."""

    outer: int
    size: int
    inner: int
    wide: bool

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{self.outer}x{self.size}x{self.inner} -> {self.outer}x{self.inner}"

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        function, pointer = ("_wide", "uint32_t") if self.wide else ("", "int32_t")
        sign = _SIGNS[self.operator]
        return Code(
            include="nn/arg_min_max.h",
            stem=self.operator.lower(),
            parameters=f"const ed_arg_min_max_shape *shape, const int8_t *input, {pointer} *output",
            body=f"    ed_arg_min_max{function}(shape, input, output, {sign});",
            shape=Shape(
                "ed_arg_min_max_shape",
                {"outer": self.outer, "size": self.size, "inner": self.inner},
            ),
        )


def read(site: Site) -> ArgMinMax:
    """An ARG_MAX or ARG_MIN of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.at_run_time(site.output, "output")
    rank = len(source.shape)
    chosen = axes.read(site, 1, rank, (DType.INT32, DType.INT64))
    if len(chosen) != 1 or site.tensor(1).elements != 1:
        raise unsupported(site, f"goes along {site.tensor(1).elements} dimensions instead of 1")
    axis = chosen[0]
    word = str(site.option("output_type"))
    if word not in ("INT32", "INT64") or output.dtype.value.upper() != word:
        raise unsupported(site, f"puts indices of type {word} into {output.dtype.value}")
    wanted = source.shape[:axis] + source.shape[axis + 1 :]
    if output.shape != wanted:
        raise unsupported(site, f"has an output of shape {output.shape} instead of {wanted}")
    return ArgMinMax(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        outer=math.prod(source.shape[:axis]),
        size=source.shape[axis],
        inner=math.prod(source.shape[axis + 1 :]),
        wide=output.dtype is DType.INT64,
    )
