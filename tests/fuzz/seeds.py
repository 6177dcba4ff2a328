"""Files to damage: small models of every operator, and the headers of real ones.

A seed is a file and the bytes of it that may be changed: all of a small file; of a larger one
what is not the data of a constant, where a changed weight would be just another model.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy import model, places
from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import FlatBuffer
from tests.mutants import mutant
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES
from tests.shared_models import MLPERF_TINY, path_of

SMALL_BYTES = 8192
_EACH = 4  # small models of a family
_MOST_CHANGES = 4
# Constants below this are shapes and axes: part of the header.
_SMALLEST_WEIGHTS = 32


@dataclass(frozen=True)
class Seed:
    """header, weights: positions in `data` that are and are not data of large constants."""

    data: bytes
    header: NDArray[np.int64]
    weights: NDArray[np.int64]

    def damaged(self, seed: int) -> bytes:
        """A mutant, the same for the same number."""
        if len(self.data) < SMALL_BYTES:
            return mutant(self.data, seed)
        return self._changed(seed, self.header)

    def with_other_weights(self, seed: int) -> bytes:
        """The file with some bytes of its constants changed, and nothing else."""
        return self._changed(seed, self.weights)

    def _changed(self, seed: int, places_: NDArray[np.int64]) -> bytes:
        """One to four runs of bytes, at the given positions alone, become others."""
        rng = random.Random(seed)
        changed = bytearray(self.data)
        for _ in range(rng.randint(1, _MOST_CHANGES)):
            at = rng.randrange(len(places_))
            value = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            for place in places_[at : at + rng.choice((1, 1, 2, 4, 16))].tolist():
                changed[place] = value if rng.random() < 0.7 else rng.randrange(256)
        return bytes(changed)


@functools.cache
def seeds() -> Mapping[str, Seed]:
    """All seeds by name; those of ../shared only where it is."""
    found: dict[str, bytes] = {}
    for family, make in FAMILIES.items():
        drawn = 0
        for number in range(40):
            data = make(Seeded(number)).data
            if len(data) < SMALL_BYTES and drawn < _EACH:
                found[f"{family} {number}"] = data
                drawn += 1
    for lab in ("hello", "kws"):
        found[lab] = places.shipped("labs", lab, "model.tflite").read_bytes()
    for name in MLPERF_TINY:
        path = path_of(name)
        if path.exists():
            found[f"mlperf {name}"] = path.read_bytes()
    return {name: _seed(data) for name, data in found.items()}


def _seed(data: bytes) -> Seed:
    model.read(data)  # a seed is a model that is read
    is_data = np.zeros(len(data), bool)
    buffers = FlatBuffer(data).root("model").tables(schema.Model.BUFFERS, "buffer")
    for i in range(len(buffers)):
        begin, length = buffers[i].extent(schema.Buffer.DATA, "data")
        if length >= _SMALLEST_WEIGHTS:
            is_data[begin : begin + length] = True
    return Seed(data, np.flatnonzero(~is_data), np.flatnonzero(is_data))
