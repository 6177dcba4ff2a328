"""The same model for an older runtime: what it declares of its operators' versions, lowered.

A converter writes beside each operator the version of the runtime that first took such
parameters, and an older runtime refuses a higher one, whether its kernel could do it or not.
Kernels do not see the number (TensorFlow Lite Micro ignores it), so lowering it changes nothing
that is computed; a kernel that cannot take the parameters still refuses them itself.
Source: tensorflow/lite/mutable_op_resolver.h, FindOp; tools/versioning/op_version.cc.
"""

from __future__ import annotations

from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import FlatBuffer

_INT32_BYTES = 4
_FIRST = 1


def lowered(data: bytes) -> bytes:
    """A `.tflite` that `model.read` has accepted, with version 1 for all its operators."""
    codes = FlatBuffer(data).root("the model").tables(schema.Model.OPERATOR_CODES, "operator code")
    changed = bytearray(data)
    for i in range(len(codes)):
        at = codes[i].place(schema.OperatorCode.VERSION, _INT32_BYTES)
        if at:
            changed[at : at + _INT32_BYTES] = _FIRST.to_bytes(_INT32_BYTES, "little")
    return bytes(changed)
