"""labs/vision: nobody in two parts, every epoch the same for its seed, the model as its card says.

What needs the photographs looks for them in EDGE_DEPLOY_TEST_DATA or `../shared`, and is skipped
where they are not.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import compiler, intervals, model, pictures
from edge_deploy.features import ImageFeatures
from edge_deploy.model import oracle
from edge_deploy.model.graph import DType
from edge_deploy.training import classification, datasets, evaluate, recipe, runtime, train

image = pytest.importorskip("PIL.Image", reason="pictures need the extra `virtual`")

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "labs" / "vision"
DATA = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", ROOT.parent / "shared")) / "data"

# The numbers at which three people of training, one of validation and one of the test begin.
PEOPLE = {"train": (1118, 1128, 5946), "validation": (4715,), "test": (4725,)}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The folder of the real photographs, unpacked once for this run."""
    if not (DATA / "sign_language_digits.tar.xz").is_file():
        pytest.skip(f"no sign_language_digits.tar.xz (EDGE_DEPLOY_TEST_DATA, {DATA})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        return datasets.folder_of("sign_language_digits", DATA).parent


@pytest.fixture(scope="module")
def made(tmp_path_factory, lab):
    """A small folder of stripes: ten pictures in a row of each of five people."""
    root = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(1)
    for first in (first for firsts in PEOPLE.values() for first in firsts):
        for digit, name in enumerate(lab.labels):
            stripes = 128 + 100 * np.sin(np.arange(100) * (digit + 1) / 8 + draw.uniform(0, 6))
            noise = draw.normal(0, 8, (100, 100))
            path = root / "sign_language_digits" / name / f"IMG_{first + digit}.JPG"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.fromarray(np.clip(stripes + noise, 0, 255).astype(np.uint8)).save(path)
    return root


def test_an_epoch_is_the_same_for_its_seed_and_another_than_the_next(made, module, lab):
    data = module.data(1, made)
    first, again, second = data.fresh(0), module.data(1, made).fresh(0), data.fresh(1)
    assert first.inputs.shape == data.train.inputs.shape == (30, 96, 96, 1)
    assert first.inputs.dtype == np.float32
    assert first.inputs.min() >= 0.0
    assert first.inputs.max() <= 1.0
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, data.train.targets)
    assert (first.inputs != second.inputs).any(axis=(1, 2, 3)).all()
    assert (module.data(2, made).fresh(0).inputs != first.inputs).any(axis=(1, 2, 3)).all()
    assert np.array_equal(data.train.targets.sum(axis=1), np.ones(30))
    assert (len(data.validation), len(data.test)) == (10, 10)
    assert lab.labels == module.LABELS


def test_inputs_are_the_boards_features_of_the_held_out_photographs(made, module, lab):
    data, held = module.data(1, made), module.held_out(made)
    assert [label for _, label in held] == data.test.targets.argmax(axis=1).tolist()
    assert [path.name for path, _ in held] == [f"IMG_{4725 + n}.JPG" for n in range(10)]
    features = ImageFeatures(lab.features)
    for (path, _), row in zip(held, data.test.inputs, strict=True):
        assert np.array_equal(features.window(pictures.read(path, 160, 120)), row[..., 0])


def test_knobs_at_their_defaults_are_the_lab_itself(module, lab):
    loaded = recipe.load(FOLDER)
    assert module.variant(lab, loaded.defaults) == lab


@pytest.mark.parametrize("knobs", [{}, {"width": 0.5, "depth": 4, "pixels": 48}, {"depth": 6}])
def test_the_network_takes_the_inputs_that_its_knobs_make(module, lab, made, knobs):
    try:
        runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    stand = {**recipe.load(FOLDER).defaults, **knobs}
    network = module.network(recipe.Plan(1, 2, 32, 64, stand))
    inputs = module.data(1, made, stand).validation.inputs
    assert network.inputs[0].shape[1:] == inputs.shape[1:]
    assert inputs.shape[1:3] == module.variant(lab, stand).features.shape
    parameters = network.count_params()
    assert parameters > 20_000 if stand["width"] == 1.0 else parameters < 8_000


@pytest.mark.slow
def test_it_trains_and_its_model_is_one_that_we_can_compile(made, lab):
    try:
        runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    result = train(lab, epochs=1, recordings=made)
    graph = model.read(result.model)
    assert compiler.compile(graph, target=compiler.CORTEX_M4).arena_bytes > 0
    assert result.classes.labels == lab.labels
    assert int(result.classes.in_int8.sum()) == result.test_samples == 10
    assert str(made) not in result.card


def test_whoever_sat_for_a_series_is_in_one_part_and_training_is_not_beside_the_test(
    people, module
):
    parts = module.parts(people)
    found = sorted((one for part in parts.values() for one in part), key=lambda one: one.number)
    assert len(found) >= 1_676
    assert all({one.label for one in parts[part]} == set(range(10)) for part in datasets.PARTS)
    # A series goes from 0 up to 9. It may lack some, and a few are not in order.
    for one, after in itertools.pairwise(found):
        if one.part != after.part:
            assert (one.label, after.label) == (9, 0)
            assert {one.part, after.part} != {"train", "test"}
    # By bytes too.
    seen: dict[str, str] = {}
    for one in found:
        digest = hashlib.sha256(one.path.read_bytes()).hexdigest()
        assert seen.setdefault(digest, one.part) == one.part


def test_ranges_do_not_overlap_and_what_was_not_at_hand_is_tested(module):
    ranges = sorted(module.RANGES, key=lambda one: one.first)
    assert all(one.first <= one.last for one in ranges)
    assert all(a.last < b.first for a, b in itertools.pairwise(ranges))
    for numbers in (range(4200, 4300), range(4400, 4500), range(5200, 5400)):
        parts = {module.photographs.part_of(number, ranges) for number in numbers}
        assert parts == {datasets.TEST}


def test_the_card_is_of_this_model(content, card):
    assert hashlib.sha256(content).hexdigest() in card
    assert f"{len(content):,}" in card
    for word in ("Apache-2.0", "seed ", "95 % interval", "ranges of these numbers"):
        assert word in card


def test_the_model_is_within_its_limits(content, lab):
    assert len(content) <= 60_000
    graph = model.read(content)
    assert sum(model.macs(graph)) <= 1_500_000
    (source,), (sink,) = (
        [graph.tensors[i] for i in ends] for ends in (graph.inputs, graph.outputs)
    )
    assert (source.dtype, source.shape) == (DType.INT8, (1, 96, 96, 1))
    # A pixel of 0 to 255 is one step: nothing of what the camera sees is lost.
    assert source.quantization.scale == pytest.approx(1 / 255, rel=1e-6)
    assert source.quantization.zero_point == -128
    assert (sink.dtype, sink.shape) == (DType.INT8, (1, len(lab.labels)))
    for target in compiler.TARGETS:
        compiled = compiler.compile(graph, target=target)
        assert compiled.weights_bytes < 60_000
        assert compiled.arena_bytes <= 40_960


def _right(card: str, kind: str) -> tuple[int, int]:
    found = re.search(rf"^- {kind}: ([\d,]+) of ([\d,]+) right", card, re.MULTILINE)
    assert found is not None
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def test_the_card_says_what_was_asked(card):
    (in_float, of), (in_int8, same) = _right(card, "float"), _right(card, "int8")
    assert of == same > 300
    assert in_int8 / of >= 0.99
    assert abs(in_float - in_int8) / of <= 0.01
    low, high = intervals.wilson(in_int8, of)
    assert f"{100 * low:.1f} to {100 * high:.1f} %" in card


def test_held_out_people_are_seen_as_the_card_says(people, module, content, card):
    try:
        oracle.open_reference(content)
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)
    features = ImageFeatures(module.LAB.features)
    held = module.held_out(people)
    right, of = _right(card, "int8")
    # Whoever has the whole set has more people of the test than the card.
    if len(held) != of:
        pytest.skip(f"the card is of {of} photographs, and here are {len(held)}")
    inputs = np.stack([features.window(module.frame(path)) for path, _ in held])[..., np.newaxis]
    outputs, name = evaluate.int8_outputs(content, model.read(content), inputs)
    targets = np.eye(len(module.LABELS))[[label for _, label in held]]
    counts = classification.confusion(len(module.LABELS), targets, outputs)
    # Newer runtimes may round an output the other way.
    assert abs(int(np.trace(counts)) - right) <= (
        0 if name.startswith("tflite-runtime 2.14") else 2
    )


def test_drawn_hands_are_seen_as_what_they_show(content, module, lab):
    try:
        oracle.open_reference(content)
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)
    paths = sorted((FOLDER / "demo").glob("*.png"))
    features = ImageFeatures(lab.features)
    inputs = np.stack([features.window(module.frame(path)) for path in paths])[..., np.newaxis]
    outputs, _ = evaluate.int8_outputs(content, model.read(content), inputs)
    assert [lab.labels[i] for i in outputs.argmax(axis=1)] == [path.stem for path in paths]
    assert outputs.max(axis=1).min() >= lab.decision.threshold


def test_the_solutions_figures_that_do_not_drift_are_the_models(content):
    text = (FOLDER / "solution.md").read_text(encoding="utf-8")
    graph = model.read(content)
    compiled = compiler.compile(graph, target=compiler.CORTEX_M4)
    said = (
        f"{sum(model.macs(graph)):,} MACs, {compiled.weights_bytes:,} B of weights and "
        f"{compiled.arena_bytes:,} B of arena"
    )
    assert said in text
