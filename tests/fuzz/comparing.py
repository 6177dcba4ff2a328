"""Mutants that were accepted: compiled, run, and compared with the reference.

The reference runs in a child process: it trusts its files, and some of these crash it. Such a
case is counted apart, as is one that the reference refuses.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import compiler, model
from edge_deploy.errors import EdgeDeployError, UnsupportedModel
from edge_deploy.model import oracle
from tests import compiled_model

RUNS = 3
# Files that say they are larger than this are legal, and not for a test to run.
_MOST_ARENA_BYTES = 1 << 24
_MOST_MACS = 1 << 27
_MOST_ELEMENTS = 1 << 22
_PATIENCE_S = 60.0

Outputs = list[list[NDArray[Any]]]


class ChildReference:
    """A reference in a process of its own, made anew when it dies."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self, data: bytes, inputs: Sequence[Sequence[NDArray[Any]]]) -> Outputs | str:
        """The outputs; or "reference refuses", "reference crashes", "reference hangs"."""
        if self._process is None:
            self._start()
        assert self._pipe is not None
        try:
            self._pipe.send((data, inputs))
            if not self._pipe.poll(_PATIENCE_S):
                self.close()
                return "reference hangs"
            answer: Outputs | str = self._pipe.recv()
        except (EOFError, ConnectionError):
            self.close()
            return "reference crashes"
        return answer

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe: Connection) -> None:
    """The child: one file after the other."""
    while True:
        try:
            data, inputs = pipe.recv()
        except EOFError:
            return
        try:
            reference = oracle.open_reference(data)
            answer: Outputs | str = [reference.run(list(each)) for each in inputs]
        except EdgeDeployError:
            answer = "reference refuses"
        pipe.send(answer)


def compare(data: bytes, reference: ChildReference) -> str:
    """How one accepted file compares: "equal", "DIFFERENT ...", or why it was not compared."""
    graph = model.read(data)
    try:
        compiled = compiler.compile(graph, target=compiler.PORTABLE)
    except UnsupportedModel:
        return "refused when compiled"
    elements = max(tensor.elements for tensor in graph.tensors)
    if (
        compiled.arena_bytes > _MOST_ARENA_BYTES
        or compiled.macs > _MOST_MACS
        or elements > _MOST_ELEMENTS
    ):
        return "too large to run"
    inputs = compiled_model.random_inputs(graph, RUNS)
    wanted = reference.run(data, inputs)
    if isinstance(wanted, str):
        return wanted
    got = compiled_model.run_on_host(data, inputs)
    for mine, theirs in zip(got, wanted, strict=True):
        for x, y in zip(mine, theirs, strict=True):
            if x.tobytes() != np.ascontiguousarray(y).tobytes():
                wrong = int(np.count_nonzero(x.ravel() != y.ravel()))
                return f"DIFFERENT: {wrong} of {x.size} values"
    return "equal"
