"""What most data movement comes down to: runs of bytes copied in nested loops.

The readers say which loops; here they are merged, checked against the tensors' sizes and
emitted. Kernels: firmware/src/nn/strided.h,
firmware/src/nn/m4/strided.h.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import (
    CORTEX_M4,
    Code,
    Constant,
    Layer,
    Overlap,
    Shape,
    Site,
)
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import Tensor

# ED_STRIDED_LOOPS of the kernel.
MOST_LOOPS = 6
# Bytes from which the Cortex-M4 copies by words, and by several of them at once.
_WORD = 4
_MANY_WORDS = 32
# Runs up to which the overlap that a layer allows is computed, which takes time with each.
_MOST_RUNS = 1 << 16


@dataclass(frozen=True)
class Loop:
    """size steps; read, write: from one to the next in the source and in the output."""

    size: int
    read: int
    write: int

    def times(self, count: int) -> Loop:
        """Steps in units that are `count` times smaller."""
        return Loop(self.size, self.read * count, self.write * count)


@dataclass(frozen=True)
class Strided(Layer):
    """One source into (a part of) one output; all in bytes.

    loops: outermost first, at most MOST_LOOPS. values: the source where it is constant, else
    `inputs` has one tensor. fill: what the output's other bytes become; None where they are
    none or other layers write them.
    """

    loops: tuple[Loop, ...]
    run: int
    read_at: int
    write_at: int
    source_bytes: int
    output_bytes: int
    fill: int | None
    shapes_text: str
    values: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    @property
    def shapes(self) -> str:
        """Source and output shape, for a person."""
        return self.shapes_text

    @property
    def contiguous(self) -> bool:
        """Whether it is one run: the bytes of a part as they are."""
        return not self.loops and self.fill is None

    @property
    def changes_nothing(self) -> bool:
        """True where the output is the source as it is: a TRANSPOSE of ones, a whole SLICE."""
        whole = self.run == self.source_bytes == self.output_bytes
        return whole and self.contiguous and self.values is None

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the source's memory.

        Each run is copied forward, after those before it: none of them may have been written
        over it, and it must not write over what it has yet to read of itself.
        """
        del target, position
        if self.fill is not None or math.prod(x.size for x in self.loops) > _MOST_RUNS:
            return None
        read, write = self._offsets()
        written = np.maximum.accumulate(write)
        ahead = int((write - read).max())
        over = int((written[:-1] + self.run - read[1:]).max()) if len(read) > 1 else ahead
        return Overlap(max(ahead, over))

    def _offsets(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each run is read and written, in order."""
        read, write = np.array([self.read_at]), np.array([self.write_at])
        for loop in self.loops:
            steps = np.arange(loop.size)
            read = np.add.outer(read, steps * loop.read).ravel()
            write = np.add.outer(write, steps * loop.write).ravel()
        return read, write

    def apply(self, source: NDArray[np.uint8], output: NDArray[np.uint8]) -> None:
        """Do to bytes what the kernel does to them."""
        if self.fill is not None:
            output[:] = self.fill
        sizes = [*(loop.size for loop in self.loops), self.run]
        views = [
            np.lib.stride_tricks.as_strided(memory[at:], sizes, [*strides, 1])
            for memory, at, strides in (
                (source, self.read_at, [loop.read for loop in self.loops]),
                (output, self.write_at, [loop.write for loop in self.loops]),
            )
        ]
        views[1][...] = views[0]

    def _kernel(self, target: str) -> tuple[str, str]:
        """Header and function."""
        if target != CORTEX_M4 or (1 < self.run < _WORD and self.fill is None):
            return "nn/strided.h", f"ed_strided_{'copy' if self.fill is None else 'pad'}"
        what = "copy"
        if self.fill is not None:
            what = "pad"
        elif self.run == 1:
            what = "bytes"
        elif self.run % _WORD == 0 and self.run < _MANY_WORDS:
            what = "words"
        return "nn/m4/strided.h", f"ed_m4_strided_{what}"

    def code(self, target: str) -> Code:
        """The layer in C."""
        padded = [Loop(1, 0, 0)] * (MOST_LOOPS - len(self.loops)) + list(self.loops)
        fields = {"run": self.run, "read_at": self.read_at, "write_at": self.write_at}
        if self.fill is not None:
            # As the int8 that it becomes in C.
            fields |= {"bytes": self.output_bytes, "fill": (self.fill ^ 0x80) - 0x80}
        for i, loop in enumerate(padded):
            fields |= {f"loop[{i}].{name}": value for name, value in vars(loop).items()}
        include, call = self._kernel(target)
        shape = "const ed_strided_shape *shape"
        if self.values is None:
            parameters = f"{shape}, const void *input, void *output"
            body = f"    {call}(shape, input, output);"
        else:
            parameters = f"{shape}, void *output, const int8_t *values"
            body = f"    {call}(shape, values, output);"
        return Code(
            include=include,
            stem="strided",
            parameters=parameters,
            body=body,
            constants=()
            if self.values is None
            else (Constant("values", "int8_t", self.values.view(np.int8)),),
            shape=Shape("ed_strided_shape", fields),
        )


def copy(
    site: Site,
    source: Tensor,
    output: Tensor,
    loops: Iterable[Loop],
    *,
    read_at: int = 0,
    write_at: int = 0,
    fill: int | None = None,
) -> Strided:
    """The layer that moves elements of `source` to `output`.

    loops, read_at, write_at: in elements, the loops outermost first. fill: the byte that all
    other elements consist of. Raises UnsupportedModel where a loop leaves a tensor, or too many
    loops are left when those that continue each other are merged.
    """
    size = source.dtype.itemsize
    merged, run = _merged([loop.times(size) for loop in loops], size)
    _check_extent(site, [(x.size, x.read) for x in merged], read_at * size, run, source)
    _check_extent(site, [(x.size, x.write) for x in merged], write_at * size, run, output)
    if len(merged) > MOST_LOOPS:
        raise unsupported(site, f"moves data in {len(merged)} nested loops; {MOST_LOOPS} is most")
    return Strided(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=() if source.is_constant else (source.index,),
        outputs=(output.index,),
        loops=merged,
        run=run,
        read_at=read_at * size,
        write_at=write_at * size,
        source_bytes=source.bytes,
        output_bytes=output.bytes,
        fill=None if merged == () and run == output.bytes else fill,
        shapes_text=f"{times(source.shape)} -> {times(output.shape)}",
        values=bytes_of(source),
    )


def bytes_of(tensor: Tensor) -> NDArray[np.uint8] | None:
    """The bytes of a constant, None of what is none."""
    if tensor.values is None:
        return None
    return np.ascontiguousarray(tensor.values).reshape(-1).view(np.uint8)


def fits(loops: Sequence[Loop]) -> bool:
    """Whether dense loops over elements are few enough for the kernel, once merged."""
    return len(_merged(loops, 1)[0]) <= MOST_LOOPS


def _merged(loops: Sequence[Loop], run: int) -> tuple[tuple[Loop, ...], int]:
    """The same walk in as few loops and as long runs as there can be."""
    kept: list[Loop] = []  # innermost first
    for loop in reversed(loops):
        if loop.size == 1:
            continue
        if not kept and loop.read == loop.write == run:
            run *= loop.size
        elif kept and (loop.read, loop.write) == (
            kept[-1].read * kept[-1].size,
            kept[-1].write * kept[-1].size,
        ):
            kept[-1] = Loop(kept[-1].size * loop.size, kept[-1].read, kept[-1].write)
        else:
            kept.append(loop)
    return tuple(reversed(kept)), run


def _check_extent(
    site: Site, steps: Sequence[tuple[int, int]], at: int, run: int, tensor: Tensor
) -> None:
    """Refuse a walk (sizes and strides, first offset, bytes of a run) that leaves a tensor."""
    ends = [(size - 1) * stride for size, stride in steps]
    lowest = at + sum(min(0, end) for end in ends)
    highest = at + sum(max(0, end) for end in ends) + run
    if any(size < 1 for size, _ in steps) or lowest < 0 or highest > tensor.bytes:
        raise unsupported(site, f"reaches outside a tensor of shape {tensor.shape}")


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Elements from one index to the next, along each dimension of a dense tensor."""
    found: list[int] = []
    step = 1
    for size in reversed(shape):
        found.append(step)
        step *= size
    return tuple(reversed(found))


def times(shape: Sequence[int]) -> str:
    """A shape for a person."""
    return "x".join(map(str, shape)) or "scalar"
