"""RESHAPE: the same bytes under another shape. passes.remove_reshapes makes it free."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Site
from edge_deploy.compiler.ops.refuse import unsupported


@dataclass(frozen=True)
class Reshape(Layer):
    """bytes: of input and output alike."""

    bytes: int
    shapes_text: str

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return Overlap(0)

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        return Code(
            include="nn/copy.h",
            stem="reshape",
            parameters="const int8_t *input, int8_t *output",
            body=f"    ed_copy({self.bytes}, input, output);",
        )


def read(site: Site) -> Reshape:
    """A RESHAPE of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    shape = site.optional(1)
    if shape is not None and not shape.is_constant:
        raise unsupported(site, "has a shape that is computed at run time")
    if source.elements != output.elements:
        raise unsupported(site, f"turns {source.elements} values into {output.elements}")
    return Reshape(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        bytes=source.bytes,
        shapes_text=" -> ".join(
            "x".join(map(str, tensor.shape)) or "scalar" for tensor in (source, output)
        ),
    )
