"""CAST: numbers of one type to another. Kernel: firmware/src/nn/cast.h, for every target."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.element import ELEMENTS, forward, shapes_of
from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import DType


@dataclass(frozen=True)
class Cast(Layer):
    """count values that change their type."""

    count: int
    source_type: DType
    output_type: DType
    shapes_text: str

    @property
    def shapes(self) -> str:
        """Shape and types, for a person."""
        return self.shapes_text

    @property
    def changes_nothing(self) -> bool:
        """True where the type stays."""
        return self.source_type is self.output_type

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return forward(self.source_type, self.output_type, self.count)

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        source, output = ELEMENTS[self.source_type], ELEMENTS[self.output_type]
        floats = self.source_type is DType.FLOAT32, self.output_type is DType.FLOAT32
        wide = self.source_type is DType.INT64
        inner = f"{self.count}, input, output"
        if wide and self.output_type in (DType.FLOAT32, DType.BOOL):
            call = f"ed_cast_wide_to_{self.output_type.value.rstrip('32')}({inner})"
        elif floats == (False, True):
            call = f"ed_cast_to_float({source}, {inner})"
        elif floats == (True, False):
            call = f"ed_cast_from_float({output}, {inner})"
        else:
            call = f"ed_cast_integers({source}, {output}, {inner})"
        return Code(
            include="nn/cast.h",
            stem="cast",
            parameters="const void *input, void *output",
            body=f"    {call};",
        )


def read(site: Site) -> Cast:
    """A CAST of the file, checked. Raises UnsupportedModel."""
    source = site.at_run_time(site.tensor(0), "an input")
    output = site.at_run_time(site.output, "an output")
    for tensor in (source, output):
        if tensor.dtype not in ELEMENTS:
            raise unsupported(site, f"has a tensor of type {tensor.dtype.value}")
    if source.dtype is DType.FLOAT32 and output.dtype is DType.INT64:
        raise unsupported(site, "makes int64 of float32", ("an int32 instead",))
    if source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    return Cast(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        count=source.elements,
        source_type=source.dtype,
        output_type=output.dtype,
        shapes_text=shapes_of(source, output),
    )
