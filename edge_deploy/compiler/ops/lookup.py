"""Operators that make one byte of one byte: activations, ABS, roots, QUANTIZE between 8-bit types.

LOGISTIC, TANH, RELU, RELU6, RELU_N1_TO_1, LEAKY_RELU, ELU, HARD_SWISH, GELU, ABS, EXP, RSQRT and
SQRT. Each is a table of 256 bytes that the compiler computes (compiler/tables.py); where the
table only clamps, the kernel does so without it, and where it changes nothing the layer vanishes
(passes/lookups.py). Kernels: firmware/src/nn/lookup.h, firmware/src/nn/m4/lookup.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edge_deploy.compiler import reals, tables
from edge_deploy.compiler.ops import real
from edge_deploy.compiler.ops.layer import (
    CORTEX_M4,
    Code,
    Constant,
    Layer,
    Overlap,
    Shape,
    Site,
)
from edge_deploy.compiler.ops.real import Real
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.tables import Side, Table, TableRefused
from edge_deploy.model.graph import DType, Tensor

_BYTES = (DType.INT8, DType.UINT8)
_INT8 = (DType.INT8,)

_OTHER_SCALES = ("another representative dataset for the converter, which chooses the scales",)

# Of which types the reference has a kernel, where not of both.
_TYPES: Mapping[str, tuple[DType, ...]] = {
    "ABS": _INT8,
    "ELU": _INT8,
    "EXP": _INT8,
    "RSQRT": _INT8,
    "SQRT": _INT8,
}


@dataclass(frozen=True)
class Lookup(Layer):
    """count values, each replaced.

    table: (256,) uint8, the output of each byte. source_type, output_type: INT8 or UINT8.
    """

    count: int
    table: Table
    source_type: DType
    output_type: DType

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{self.count} -> {self.count}"

    @property
    def changes_nothing(self) -> bool:
        """True where every byte stays what it is, and what it is called."""
        same = bool((self.table == np.arange(256)).all())
        return same and self.source_type is self.output_type

    def clamp(self) -> tuple[int, int] | None:
        """Lowest and highest, where all that the layer does is to clamp int8 values."""
        if not self.source_type is self.output_type is DType.INT8:
            return None
        values = np.arange(256, dtype=np.uint8).view(np.int8)
        found = self.table.view(np.int8)
        lowest, highest = int(found.min()), int(found.max())
        return (lowest, highest) if (found == np.clip(values, lowest, highest)).all() else None

    def followed_by(self, other: Lookup) -> Lookup:
        """One layer for two, of which the second reads the first."""
        return replace(
            self,
            operator=other.operator,
            outputs=other.outputs,
            table=other.table[self.table],
            output_type=other.output_type,
        )

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return Overlap(0)

    def code(self, target: str) -> Code:
        """The layer in C."""
        prefix = "m4_" if target == CORTEX_M4 else ""
        include = "nn/m4/lookup.h" if target == CORTEX_M4 else "nn/lookup.h"
        clamp = self.clamp()
        if clamp is not None:
            return Code(
                include=include,
                stem="clamp",
                parameters="const ed_lookup_clamp *shape, const int8_t *input, int8_t *output",
                body=f"    ed_{prefix}lookup_clamped(shape, input, output);",
                shape=Shape(
                    "ed_lookup_clamp",
                    {"count": self.count, "lowest": clamp[0], "highest": clamp[1]},
                ),
            )
        if (self.table == np.arange(256) ^ 0x80).all():
            return Code(
                include=include,
                stem="flip",
                parameters="const ed_lookup_shape *shape, const void *input, void *output",
                body=f"    ed_{prefix}lookup_flipped(shape, input, output);",
                shape=Shape("ed_lookup_shape", {"count": self.count}),
            )
        return Code(
            include=include,
            stem="lookup",
            parameters=(
                "const ed_lookup_shape *shape, const void *input, void *output, "
                "const uint8_t *table"
            ),
            body=f"    ed_{prefix}lookup(shape, input, output, table);",
            constants=(Constant("table", "uint8_t", self.table),),
            shape=Shape("ed_lookup_shape", {"count": self.count}),
        )


def _gelu(site: Site, source: Side, output: Side) -> Table:
    near = bool(site.option("approximate"))
    return tables.by_float(source, output, reals.gelu_approximate if near else reals.gelu)


def _logistic(site: Site, source: Side, output: Side) -> Table:
    if output.scale != 1 / 256:
        raise unsupported(site, "has an output of other scale than 1/256")
    return tables.by_float(source, output, reals.logistic)


_TABLES: Mapping[str, Callable[[Site, Side, Side], Table]] = {
    "ABS": lambda _, source, output: tables.absolute(source, output),
    "ELU": lambda _, source, output: tables.by_float(source, output, reals.elu),
    "EXP": lambda _, source, output: tables.by_float(source, output, reals.exp),
    "GELU": _gelu,
    "HARD_SWISH": lambda _, source, output: tables.hard_swish(source, output),
    "LEAKY_RELU": lambda site, source, output: tables.leaky_relu(
        source, output, float(site.option("alpha"))
    ),
    "LOGISTIC": _logistic,
    "QUANTIZE": lambda _, source, output: tables.requantize(source, output),
    "RELU": lambda _, source, output: tables.relu(source, output, "RELU"),
    "RELU6": lambda _, source, output: tables.relu(source, output, "RELU6"),
    "RELU_N1_TO_1": lambda _, source, output: tables.relu(source, output, "RELU_N1_TO_1"),
    "RSQRT": lambda _, source, output: tables.rsqrt(source, output),
    "SQRT": lambda _, source, output: tables.square_root(source, output),
    "TANH": lambda _, source, output: tables.by_float(source, output, reals.tanh),
}


def read(site: Site) -> Lookup | Real:
    """One of these operators, checked. Raises UnsupportedModel."""
    if site.tensor(0).dtype is DType.FLOAT32 and site.operator.name in reals.OPERATORS:
        return real.read(site)
    types = _TYPES.get(site.operator.name, _BYTES)
    source = site.activation(site.tensor(0), "an input", types)
    output = site.activation(site.output, "an output", types)
    if source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    if source.dtype is not output.dtype and site.operator.name != "QUANTIZE":
        raise unsupported(site, f"makes {output.dtype.value} of {source.dtype.value}")
    try:
        table = _TABLES[site.operator.name](site, _side(site, source), _side(site, output))
    except TableRefused as refused:
        raise unsupported(site, str(refused), _OTHER_SCALES) from refused
    return Lookup(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        count=source.elements,
        table=table,
        source_type=source.dtype,
        output_type=output.dtype,
    )


def _side(site: Site, tensor: Tensor) -> Side:
    return Side(tensor.dtype, site.scale(tensor), site.zero_point(tensor))
