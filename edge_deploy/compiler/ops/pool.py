"""AVERAGE_POOL_2D and MAX_POOL_2D. Kernels: firmware/src/nn/pool.h, firmware/src/nn/m4/pool.h."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import window
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.window import Window

# The reference lets the scales of input and output differ by this much (pooling.cc).
_SCALE_TOLERANCE = 1e-6
# Channels that the Cortex-M4 kernels take at a time.
_QUAD = 4


@dataclass(frozen=True)
class Pool(Layer):
    """Average (`mean`) or maximum over windows."""

    window: Window
    lowest: int
    highest: int
    mean: bool

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.window.shapes

    def limited(self, lowest: int, highest: int) -> Pool:
        """The layer with an activation after it."""
        both = quantization.both_clamps((self.lowest, self.highest), (lowest, highest))
        return replace(self, lowest=both[0], highest=both[1])

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        # Outputs are written in order, pixel by pixel, each channel after its window was read. So
        # output pixel p may reach as far as the first tap of its own window and of those to come;
        # `ahead` is how many pixels the two are apart at most, without an offset.
        w = self.window
        tops = [max(0, y * w.stride_y - w.pad_top) for y in range(w.output_height)]
        lefts = [max(0, x * w.stride_x - w.pad_left) for x in range(w.output_width)]
        in_row = max(x - left for x, left in enumerate(lefts))
        ahead = 0
        for y, top in enumerate(tops):
            # Where the next row of windows begins at the same row, it reads from column 0 again.
            again = y + 1 < w.output_height and tops[y + 1] == top
            x = w.output_width - 1 if again else in_row
            ahead = max(ahead, y * w.output_width + x - top * w.input_width)
        return Overlap(ahead * w.input_channels)

    def code(self, target: str) -> Code:
        """The layer in C."""
        w = self.window
        fields = {
            name: value
            for name, value in vars(w).items()
            if not name.startswith("dilation") and name != "output_channels"
        }
        fields["channels"] = fields.pop("input_channels")
        fields |= {"lowest": self.lowest, "highest": self.highest}
        kind = "average" if self.mean else "max"
        quads = target == CORTEX_M4 and w.input_channels >= _QUAD
        prefix = "ed_m4_pool" if quads else "ed_pool"
        return Code(
            include="nn/m4/pool.h" if quads else "nn/pool.h",
            stem=f"{kind}_pool_2d",
            parameters="const ed_pool_shape *shape, const int8_t *input, int8_t *output",
            body=f"    {prefix}_{kind}(shape, input, output);",
            shape=Shape("ed_pool_shape", fields),
        )


def read(site: Site) -> Pool:
    """A pool of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    kernel = site.positive("filter_height"), site.positive("filter_width")
    if len(source.shape) != 4:
        raise unsupported(site, f"has an input of shape {source.shape}; rank 4 is wanted")
    where = window.read(site, source, kernel, source.shape[3])
    if abs(site.scale(source) - site.scale(output)) > _SCALE_TOLERANCE or site.zero_point(
        source
    ) != site.zero_point(output):
        raise unsupported(site, "has input and output of different scale or zero point")
    lowest, highest = site.activation_range(output)
    return Pool(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        window=where,
        lowest=lowest,
        highest=highest,
        mean=site.operator.name == "AVERAGE_POOL_2D",
    )
