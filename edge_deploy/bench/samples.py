"""How well a model without a sensor does on a board: its recipe's test samples, one by one.

Each is put into the model's input as a host would, and what comes out is compared with the
reference kernels bit for bit; then the recipe's own score tells what that is worth. Knows
nothing of how a board is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.bench import classes
from edge_deploy.bench.agreement import Differences
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.evaluate import EvaluateResult
from edge_deploy.bench.scored import Scored
from edge_deploy.bench.verify import Reference
from edge_deploy.errors import BadInput
from edge_deploy.model.graph import Graph
from edge_deploy.quantity import Quantity
from edge_deploy.telemetry.failures import LinkUnreliable
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.run_reply import RunResult
from edge_deploy.training import evaluate as trained
from edge_deploy.training import recipe as recipes
from edge_deploy.training.recipe import Recipe, Samples

ORIGIN = "measured:test_samples"


class Runner(Protocol):
    """As much of a Session as runs inputs."""

    @property
    def board(self) -> Hello:
        """What the board said of itself."""

    def forget(self) -> None:
        """Reset the model's variables."""

    def load(self, data: bytes) -> None:
        """Upload all inputs."""

    def run(self, runs: int = 1) -> RunResult:
        """Run the loaded input."""


def choose(test: Samples, limit: int | None, seed: int) -> Samples:
    """At most `limit` samples, drawn by the seed, in the order of the test."""
    if limit is None or limit >= len(test):
        return test
    drawn = np.sort(np.random.default_rng(seed).choice(len(test), limit, replace=False))
    return Samples(test.inputs[drawn], test.targets[drawn])


def evaluate(
    runner: Runner | None,
    reference: Reference,
    graph: Graph,
    recipe: Recipe,
    test: Samples,
    *,
    lab: str,
    model: tuple[str, str],
    on: str,
    seed: int = 0,
    held_out: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluateResult:
    """Run every sample on the board and on the reference, and score what came out.

    runner: begun, with the model that the reference has; None for the reference alone.
    graph: of that model, whose name and sha256 are `model`. progress: called with (done, of).
    Raises BadInput where the recipe's samples do not fit the model, or its score fails.
    """
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    rows = trained.quantized(test.inputs, source)
    if len(graph.inputs) != 1 or rows[0].size != source.elements:
        raise BadInput(
            f"{recipe.path}: data() gives samples of shape {list(rows.shape[1:])}; the model takes "
            f"{list(source.shape)}."
        )
    outputs: list[NDArray[Any]] = []
    differences = Differences(("output",))
    for number, row in enumerate(rows):
        given = row.reshape(source.shape)
        reference.reset()
        expected = reference.run([given])[0]
        got = expected if runner is None else _by_board(runner, given)
        differences.compare(f"sample {number}", "output", expected.reshape(-1), got.reshape(-1))
        outputs.append(got.reshape(expected.shape))
        if progress is not None:
            progress(number + 1, len(rows))
    real = trained.dequantized(np.concatenate(outputs), sink)
    hello = None if runner is None else runner.board
    return EvaluateResult(
        lab=lab,
        model=model,
        board="" if hello is None else hello.board,
        on=on,
        engine=reference.name if hello is None else hello.engine,
        reference=reference.name,
        seed=seed,
        held_out=len(test) if held_out is None else held_out,
        found=_found(recipe, test, real),
        agreement=None if hello is None else differences.agreement(len(rows)),
        from_sensor=False,
    )


def _by_board(runner: Runner, given: NDArray[Any]) -> NDArray[Any]:
    """The first output for one input, with variables as after boot."""
    hello = runner.board
    if hello.state_bytes:
        runner.forget()
    runner.load(hello.encode_inputs([given]))
    result = runner.run(1)
    if hello.state_bytes and result.since != 1:
        raise LinkUnreliable(
            "the board's answer came damaged, and asking again moved the model's variables on.",
            try_next=("run the command again",),
        )
    return hello.decode_outputs(result.output)[0]


def _found(recipe: Recipe, test: Samples, outputs: NDArray[np.float32]) -> Classes | Scored:
    if recipe.labels:
        was, taken_for = (np.argmax(each, axis=-1).tolist() for each in (test.targets, outputs))
        names = [f"sample {number}" for number in range(len(test))]
        return classes.counted(recipe.labels, was, taken_for, names)
    with recipes.blamed(recipe.path):
        scores = recipe.score(test.targets, outputs)
    return Scored(
        len(test),
        {name: Quantity(float(value), unit, ORIGIN) for name, (value, unit) in scores.items()},
    )
