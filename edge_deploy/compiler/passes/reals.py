"""From 8 bits to float32 and back is a table, whatever float operators stand between."""

from __future__ import annotations

from dataclasses import replace

from edge_deploy.compiler import tables
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.ops.quantize import Dequantize, Quantize
from edge_deploy.compiler.ops.real import Real
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.passes.program import Program
from edge_deploy.compiler.tables import Side, TableRefused
from edge_deploy.model.graph import DType, Quantization

_BYTES = (DType.INT8, DType.UINT8)


def tabulate_reals(program: Program) -> Program:
    """Let each QUANTIZE to 8 bits that ends such a row read the integers it began with.

    What else reads the floats keeps them; passes.remove_unread takes the others away. Raises
    UnsupportedModel where the C library's last bit decides a byte.
    """
    states = {state.tensor for state in program.states}
    made_by: dict[int, Layer] = {}
    layers: list[Layer] = []
    for layer in program.layers:
        table = _table(layer, made_by) if isinstance(layer, Quantize) else None
        kept = layer if table is None or states & {*table.inputs, *table.outputs} else table
        layers.append(kept)
        made_by.update(dict.fromkeys(kept.outputs, kept))
    return replace(program, layers=tuple(layers))


def _table(last: Quantize, made_by: dict[int, Layer]) -> Lookup | None:
    """The table from the DEQUANTIZE that a row begins with to the QUANTIZE that ends it."""
    functions: list[Real] = []
    before = made_by.get(last.inputs[0])
    while isinstance(before, Real):
        functions.insert(0, before)
        before = made_by.get(before.inputs[0])
    if not isinstance(before, Dequantize):
        return None
    if before.source_type not in _BYTES or last.output_type not in _BYTES:
        return None
    source = _side(before.source_type, before.parameters)
    output = _side(last.output_type, last.parameters)
    try:
        table = tables.through_floats(source, output, [each.transform for each in functions])
    except TableRefused as refused:
        raise unsupported(functions[-1].site, str(refused)) from refused
    return Lookup(
        index=last.index,
        operator=functions[0].operator if len(functions) == 1 else last.operator,
        inputs=before.inputs,
        outputs=last.outputs,
        count=last.count,
        table=table,
        source_type=before.source_type,
        output_type=last.output_type,
    )


def _side(dtype: DType, parameters: Quantization) -> Side:
    return Side(dtype, parameters.scale, parameters.zero_point)
