"""Test samples of a recipe through a board: compared with the reference, scored by the recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import model
from edge_deploy.bench import samples
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.evaluate import EvaluateResult
from edge_deploy.bench.scored import Scored
from edge_deploy.errors import BadInput
from edge_deploy.model import oracle
from edge_deploy.telemetry.hello import Hello, WireTensor
from edge_deploy.telemetry.run_reply import RunResult
from edge_deploy.training.recipe import About, Recipe, Samples
from tests import model_builder

pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")

DATA = model_builder.tiny_conv()
GRAPH = model.read(DATA)
COUNT = GRAPH.tensors[GRAPH.outputs[0]].elements


def wire(index: int) -> WireTensor:
    tensor = GRAPH.tensors[index]
    terms = tensor.quantization
    assert terms is not None
    return WireTensor(
        "t", "int8", tensor.shape, tensor.elements, scale=terms.scale, zero_point=terms.zero_point
    )


class FakeRunner:
    """A board that runs the reference, and spoils the output of one sample."""

    board = Hello(
        protocol=1,
        board="nano33",
        variant="fake",
        port="host",
        firmware="0",
        engine="fake/portable",
        model="tiny",
        sha256="0" * 64,
        clock_hz=1,
        inputs=(wire(GRAPH.inputs[0]),),
        outputs=(wire(GRAPH.outputs[0]),),
        labels=(),
        layers=1,
        arena_bytes=1,
        sensors=(),
        source="none",
        counters=(),
    )

    def __init__(self, spoil: int = -1) -> None:
        self.reference = oracle.open_reference(DATA)
        self.spoil, self.runs = spoil, 0
        self.loaded: NDArray[np.int8] = np.zeros(0, np.int8)

    def forget(self) -> None:
        raise AssertionError("there are no variables")

    def load(self, data: bytes) -> None:
        shape = GRAPH.tensors[GRAPH.inputs[0]].shape
        self.loaded = np.frombuffer(data, np.int8).reshape(shape)

    def run(self, runs: int = 1) -> RunResult:
        (output,) = self.reference.run([self.loaded])
        if self.runs == self.spoil:
            output = output.copy()
            output.reshape(-1)[1] ^= 1
        self.runs += runs
        return RunResult((), (), output.tobytes(), None)


def score(targets: NDArray[Any], outputs: NDArray[np.float32]) -> dict[str, tuple[float, str]]:
    return {"off": (float(np.abs(outputs - targets).max()), "m")}


def recipe(
    labels: tuple[str, ...] = (), score: Callable[..., Any] = score, path: Path = Path("recipe.py")
) -> Recipe:
    def never(*_: Any) -> Any:
        raise AssertionError("nothing is trained")

    return Recipe(path, 1, 1, 1, About("", "", ""), never, never, score, labels=labels)


def inputs() -> Samples:
    draw = np.random.default_rng(1)
    shape = GRAPH.tensors[GRAPH.inputs[0]].shape[1:]
    inputs = draw.normal(0, 1, (6, *shape)).astype(np.float32)
    return Samples(inputs, np.zeros((6, COUNT), np.float32))


def evaluated(runner: FakeRunner | None, made: Recipe, test: Samples) -> EvaluateResult:
    return samples.evaluate(
        runner,
        oracle.open_reference(DATA),
        GRAPH,
        made,
        test,
        lab="tiny",
        model=("tiny", ""),
        on="local" if runner else "host",
    )


def test_figures_are_the_recipes_and_the_same_everywhere() -> None:
    test = inputs()
    board, host = (evaluated(runner, recipe(), test) for runner in (FakeRunner(), None))
    assert isinstance(board.found, Scored)
    assert board.found.as_json() == host.found.as_json()
    figure = board.found.figures["off"]
    assert (figure.unit, figure.origin) == ("m", "measured:test_samples")
    # By another way: the largest of all outputs, as real numbers.
    reference = oracle.open_reference(DATA)
    source, sink = (wire(each[0]) for each in (GRAPH.inputs, GRAPH.outputs))
    assert source.scale is not None
    assert source.zero_point is not None
    steps = np.rint(test.inputs / np.float32(source.scale)) + source.zero_point
    rows = np.clip(steps, -128, 127).astype(np.int8)
    outputs = [sink.dequantize(reference.run([row[None]])[0]) for row in rows]
    assert figure.value == pytest.approx(np.abs(outputs).max())
    assert board.agreement is not None
    assert board.as_json()["outputs_compared"] == 6
    assert host.agreement is None


def test_one_wrong_value_is_found() -> None:
    result = evaluated(FakeRunner(spoil=4), recipe(), inputs())
    assert result.agreement is not None
    assert dict(result.agreement.differing) == {"output": 1}
    (one,) = result.agreement.first
    assert (one.clip, one.what, one.first[0]) == ("sample 4", "output", 1)


def test_a_recipe_with_labels_is_a_classifiers() -> None:
    test = inputs()
    labels = tuple(f"label {number}" for number in range(COUNT))
    plain = evaluated(None, recipe(), test)
    assert isinstance(plain.found, Scored)
    targets = np.eye(COUNT, dtype=np.float32)[[0] * 6]
    result = evaluated(FakeRunner(), recipe(labels), Samples(test.inputs, targets))
    assert isinstance(result.found, Classes)
    assert result.found.n == 6
    assert result.found.per_class[0].n == 6


def test_samples_that_do_not_fit() -> None:
    test = Samples(np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32))
    with pytest.raises(BadInput, match=r"samples of shape \[3\]; the model takes"):
        evaluated(None, recipe(), test)


def test_a_score_that_fails_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.py"
    path.write_text("def score(targets, outputs):\n    return 1 / 0\n")
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    with pytest.raises(BadInput, match="line 2: ZeroDivisionError"):
        evaluated(None, recipe(score=space["score"], path=path), inputs())


def test_the_few_are_drawn_by_the_seed() -> None:
    test = Samples(np.arange(50, dtype=np.float32)[:, None], np.arange(50)[:, None])
    few = samples.choose(test, 5, 1)
    assert len(few) == 5
    assert (few.inputs[:, 0] == few.targets[:, 0]).all()
    assert (np.diff(few.inputs[:, 0]) > 0).all()
    assert few.inputs.tolist() == samples.choose(test, 5, 1).inputs.tolist()
    assert few.inputs.tolist() != samples.choose(test, 5, 2).inputs.tolist()
    assert samples.choose(test, 99, 1) is test
    assert samples.choose(test, None, 1) is test
