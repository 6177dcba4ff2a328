"""Where windows lie on a map: strides, dilation, padding; convolutions and pools share it.

Source: tensorflow/lite/kernels/padding.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import Tensor


@dataclass(frozen=True)
class Window:
    """The geometry of a layer with a sliding window. All in elements; shapes are NHWC."""

    batches: int
    input_height: int
    input_width: int
    input_channels: int
    output_height: int
    output_width: int
    output_channels: int
    kernel_height: int
    kernel_width: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    pad_top: int
    pad_left: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return (
            f"{self.batches}x{self.input_height}x{self.input_width}x{self.input_channels} -> "
            f"{self.batches}x{self.output_height}x{self.output_width}x{self.output_channels}"
        )


def read(site: Site, source: Tensor, kernel: tuple[int, int], channels: int) -> Window:
    """The window of a convolution or pool, held against the output's shape in the file.

    kernel: height and width; channels: of the output. Raises UnsupportedModel.
    """
    output = site.output
    if len(source.shape) != 4 or len(output.shape) != 4:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}; rank 4 is wanted")
    padding = str(site.option("padding"))
    if padding not in ("SAME", "VALID"):
        raise unsupported(site, f"has padding {padding}")
    dilated = "dilation_h_factor" in site.operator.options
    strides = site.positive("stride_h"), site.positive("stride_w")
    dilations = (
        (site.positive("dilation_h_factor"), site.positive("dilation_w_factor"))
        if dilated
        else (1, 1)
    )
    sizes: list[int] = []
    pads: list[int] = []
    for axis in (0, 1):
        size = source.shape[1 + axis]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        stride = strides[axis]
        free = size if padding == "SAME" else size - reach + 1
        count = -(-free // stride)
        if count <= 0:
            raise unsupported(site, f"has a window of {reach} on an input of {size}")
        sizes.append(count)
        pads.append(max(0, (count - 1) * stride + reach - size) // 2)
    wanted = (source.shape[0], sizes[0], sizes[1], channels)
    if site.settled(output, wanted).shape != wanted:
        raise unsupported(site, f"has output shape {output.shape}; its parameters give {wanted}")
    return Window(
        batches=source.shape[0],
        input_height=source.shape[1],
        input_width=source.shape[2],
        input_channels=source.shape[3],
        output_height=sizes[0],
        output_width=sizes[1],
        output_channels=channels,
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_y=strides[0],
        stride_x=strides[1],
        dilation_y=dilations[0],
        dilation_x=dilations[1],
        pad_top=pads[0],
        pad_left=pads[1],
    )
