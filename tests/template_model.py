"""A model that tells which of some templates an input is nearest to; made without training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.model_file import ModelBuilder

# Of the scores before softmax.
_LOGIT_SCALE = 0.05


def nearest(
    templates: NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    scale: float,
    zero_point: int,
    score: tuple[int, int] | None = None,
) -> bytes:
    """`shape` int8 -> (1, labels) int8 scores, which softmax makes of the distances.

    templates: (labels, elements) real values. scale, zero_point: of the input. score: two of the
    templates; the model then has one score, how much nearer an input is to the first of them.
    """
    # |x - t|^2 is smallest where t x - |t|^2 / 2 is largest; so far apart, so sure.
    apart = min(float(np.sum((a - b) ** 2)) for i, a in enumerate(templates) for b in templates[:i])
    gain = 12.0 / apart
    weights = gain * templates
    bias = -gain * np.sum(templates**2, axis=1) / 2
    middle = templates.mean(axis=0)
    weights = weights - gain * middle  # the same for all labels: softmax does not see it
    bias -= bias.mean()
    if score is not None:
        high, low = score
        weights, bias = weights[[high]] - weights[[low]], bias[[high]] - bias[[low]]
    steps = float(np.abs(weights).max() / 127)
    quantized = np.rint(weights / steps).astype(np.int8)
    builder = ModelBuilder()
    count, size = weights.shape
    x = builder.tensor(shape, scale=scale, zero_point=zero_point)
    flat = builder.tensor((1, size), scale=scale, zero_point=zero_point)
    form = builder.tensor((2,), "int32", values=[1, size])
    builder.op("RESHAPE", [x, form], [flat], {"new_shape": (1, size)})
    weight_tensor = builder.tensor((count, size), scale=steps, values=quantized)
    bias_steps = np.rint(bias / (scale * steps)).astype(np.int32)
    biases = builder.tensor((count,), "int32", scale=scale * steps, values=bias_steps)
    logits = builder.tensor((1, count), scale=_LOGIT_SCALE, zero_point=0)
    options = {"fused_activation_function": "NONE"}
    builder.op("FULLY_CONNECTED", [flat, weight_tensor, biases], [logits], options)
    scores = builder.tensor((1, count), scale=1 / 256, zero_point=-128)
    if score is None:
        builder.op("SOFTMAX", [logits], [scores], {"beta": 1.0})
    else:
        builder.op("LOGISTIC", [logits], [scores])
    return builder.finish([x], [scores])
