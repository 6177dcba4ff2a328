"""Transposed convolutions against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import UnsupportedModel
from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases_transpose import FAMILIES

test_family = checks.of(FAMILIES)


def _refused(**changes: object) -> str:
    """What is said of a 3x3 transposed convolution with stride 2 that differs by `changes`."""
    model = ModelBuilder()
    x = model.tensor((1, 4, 4, 2), scale=0.1)
    scales = changes.get("scales", [0.1, 0.2, 0.3])
    w = model.tensor((3, 3, 3, 2), scale=scales, values=np.ones((3, 3, 3, 2)))
    shape = model.tensor((4,), changes.get("shape_type", "int32"), values=[1, 8, 8, 3])
    y = model.tensor(changes.get("output", (1, 8, 8, 3)), scale=0.1)
    stride = changes.get("stride", 2)
    options = {"padding": "SAME", "stride_h": stride, "stride_w": stride}
    model.op("TRANSPOSE_CONV", [shape, w, x], [y], options, version=3)
    with pytest.raises(UnsupportedModel) as caught:
        compiled_model.compile_graph(model.finish([x], [y]), "portable")
    return str(caught.value)


def test_one_scale_for_all_channels_is_refused():
    """The reference has one multiplier then, and reads beyond it."""
    assert "one weight scale for 3 channels" in _refused(scales=0.1)


def test_an_output_of_another_shape_than_the_input_says_is_refused():
    assert "output shape (1, 8, 9, 3)" in _refused(output=(1, 8, 9, 3))


def test_an_output_shape_of_another_type_is_refused():
    assert "not constant int32" in _refused(shape_type="int64")


def test_a_stride_beyond_32_bits_is_refused():
    assert "strides of" in _refused(stride=2**30)
    assert "must be above 0" in _refused(stride=0)
