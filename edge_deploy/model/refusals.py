"""How a model file is refused: broken (BadModel) or beyond us (UnsupportedModel).

Both say which file, what was found with its numbers, and what to try. Also recognises, by
their first bytes, the files that people pass for a `.tflite` by mistake.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from edge_deploy.errors import BadInput, UnsupportedModel
from edge_deploy.model.names import safe_name
from edge_deploy.model.schema import FILE_IDENTIFIER

_FETCH_AGAIN = "Copy or download the file again, and compare its size with the original's"
_CONVERT = "Convert the model with tf.lite.TFLiteConverter, and pass the .tflite it writes"
_QUANTIZE = (
    "edge-deploy quantize MODEL --data inputs.npy    makes an int8 .tflite of a float one, a .keras"
    " file or a SavedModel"
)
_QUANTIZE_IN_PYTHON = (
    "Convert with full int8 quantization: optimizations = [tf.lite.Optimize.DEFAULT], a"
    " representative_dataset, target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"
)

# Root offset and file identifier: less cannot be told apart from anything.
HEADER_BYTES = 8
_TEXT_SAMPLE_BYTES = 512
_TEXT_BYTES = frozenset(string.printable.encode())

# How other files begin. Sources: the formats' specifications (ZIP, HDF5, gzip, GGUF), Git LFS's
# pointer specification.
_SIGNATURES = (
    (b"version https://git-lfs.github.com/", "a Git LFS pointer", "git lfs pull"),
    (b"PK\x03\x04", "a zip archive, as .keras files are", _QUANTIZE),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras .h5 files are", _QUANTIZE),
    (b"\x1f\x8b", "a gzip archive", "Unpack it, and pass the .tflite inside"),
    (b"\xfd7zXZ\x00", "an xz archive", "Unpack it, and pass the .tflite inside"),
    (b"GGUF", "a GGUF file", _CONVERT),
    (b"<!DOCTYPE", "a web page", "Download the file itself, not the page about it"),
    (b"<!doctype", "a web page", "Download the file itself, not the page about it"),
    (b"<html", "a web page", "Download the file itself, not the page about it"),
)


class BadModel(BadInput):
    """A file that is no TFLite model, or a broken one."""


@dataclass(frozen=True)
class Refusal:
    """Makes the errors of one file; `name` is what messages call it."""

    name: str

    def broken(self, found: str) -> BadModel:
        """The file contradicts itself or ends too early. found: continues "it ..."."""
        return BadModel(
            f"{safe_name(self.name)} is not a whole TFLite model: it {found}",
            try_next=(_FETCH_AGAIN,),
        )

    def unsupported(self, found: str, *, try_next: Sequence[str] = ()) -> UnsupportedModel:
        """A model that we do not take. found: continues the file's name."""
        return UnsupportedModel(f"{safe_name(self.name)} {found}", try_next=try_next)

    def not_int8(self, found: str) -> UnsupportedModel:
        """A model that computes in floating point."""
        return self.unsupported(
            f"{found}; only int8 models can be compiled", try_next=(_QUANTIZE, _QUANTIZE_IN_PYTHON)
        )

    def check_kind(self, data: bytes) -> None:
        """Raise BadModel unless the bytes begin as a TFLite file does."""
        if data[4:HEADER_BYTES] == FILE_IDENTIFIER:
            return
        found, advice = _kind(data)
        raise BadModel(
            f"{safe_name(self.name)} is not a TFLite model: it {found}", try_next=(advice,)
        )


def _kind(data: bytes) -> tuple[str, str]:
    """What a file that is no TFLite model is, and what to do about it."""
    if not data:
        return "is empty", _FETCH_AGAIN
    for signature, kind, advice in _SIGNATURES:
        if data.startswith(signature):
            return f"looks like {kind}", advice
    sample = data[:_TEXT_SAMPLE_BYTES]
    if _TEXT_BYTES.issuperset(sample):
        return f"looks like text, {len(data):,} bytes", _CONVERT
    if len(data) < HEADER_BYTES:
        return f"is {len(data)} bytes, too short for any model", _FETCH_AGAIN
    identifier = safe_name(data[4:HEADER_BYTES].decode("latin-1"))
    return f"has '{identifier}' at byte 4, where a TFLite model has 'TFL3'", _CONVERT
