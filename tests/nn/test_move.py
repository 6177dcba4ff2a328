"""Moved elements against the reference."""

from __future__ import annotations

import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases_move import FAMILIES

test_family = checks.of(FAMILIES)


def _refused(name, shapes, constants=(), options=None, output=(2, 3)):
    """What is said of an operator over inputs of `shapes`, then int32 constants."""
    builder = ModelBuilder()
    inputs = [builder.tensor(shape, scale=0.5, zero_point=1) for shape in shapes]
    numbers = [builder.tensor((len(x),), "int32", values=x) for x in constants]
    y = builder.tensor(output, scale=0.5, zero_point=1)
    builder.op(name, [*inputs, *numbers], [y], options)
    with pytest.raises(UnsupportedModel) as caught:
        compiler.compile(model.read(builder.finish(inputs, [y])), target="portable")
    assert caught.value.message.startswith("operator 0, ")
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "shapes", "constants", "options", "why"),
    [
        ("TRANSPOSE", [(3, 2)], [[0, 0]], None, "no permutation"),
        ("TRANSPOSE", [(3, 2)], [[0, 2]], None, "axis 2 for 2 dimensions"),
        ("TRANSPOSE", [(3, 2)], [[0, 1]], None, "where 3x2 results"),
        ("CONCATENATION", [(1, 3), (3,)], [], {"axis": 0}, "joins shapes"),
        ("CONCATENATION", [(1, 3), (2, 3)], [], {"axis": 0}, "where 3x3 results"),
        ("CONCATENATION", [(1, 3)], [], {"axis": 0, "fused_activation_function": "RELU"}, "fused"),
        ("PACK", [(3,), (3,)], [], {"values_count": 3, "axis": 0}, "values_count 3"),
        ("SLICE", [(4, 4)], [[3, 0], [2, 3]], None, "slices 2 indices of 4 from 3"),
        ("SLICE", [(4, 4)], [[-1, 0], [2, 3]], None, "from -1 on"),
        ("STRIDED_SLICE", [(4, 3)], [[0], [2], [0]], {}, "stride of 0"),
        ("STRIDED_SLICE", [(4, 3)], [[2], [2], [1]], {}, "slices nothing"),
        ("STRIDED_SLICE", [(4, 3)], [[7], [8], [1]], {"shrink_axis_mask": 1}, "index 7 of 4"),
        ("STRIDED_SLICE", [(4, 3)], [[0] * 3, [2] * 3, [1] * 3], {}, "3 dimensions of 2"),
        ("STRIDED_SLICE", [(2, 3)], [[0] * 3, [2] * 3, [1] * 3], {"ellipsis_mask": 3}, "ellipsis"),
        ("STRIDED_SLICE", [(2, 3)], [[0], [5], [1]], {"offset": True}, "offset"),
        ("REVERSE_V2", [(2, 3)], [[5]], None, "axis 5"),
        ("DEPTH_TO_SPACE", [(1, 2, 2, 3)], [], {"block_size": 2}, "spreads 3 channels"),
        ("DEPTH_TO_SPACE", [(1, 2, 2, 3)], [], {"block_size": 0}, "block_size 0"),
        ("RESHAPE", [(7,)], [[2, -1]], None, "turns shape"),
        ("RESHAPE", [(6,)], [[-1, -1]], None, "turns shape"),
        ("RESHAPE", [(6,)], [[3, 2]], None, "where 3x2 results"),
        ("SQUEEZE", [(2, 3)], [], {"squeeze_dims": [0]}, "drops dimensions"),
    ],
)
def test_what_the_reference_would_not_do_is_refused(name, shapes, constants, options, why):
    assert why in _refused(name, shapes, constants, options)


def test_a_concatenation_of_other_scales_is_refused():
    builder = ModelBuilder()
    x, z = builder.tensor((1, 3), scale=0.5), builder.tensor((1, 3), scale=0.25)
    y = builder.tensor((2, 3), scale=0.5)
    builder.op("CONCATENATION", [x, z], [y], {"axis": 0})
    with pytest.raises(UnsupportedModel, match="different scale or zero point"):
        compiler.compile(model.read(builder.finish([x, z], [y])), target="portable")
