"""labs/gesture: no clip in two parts, every epoch the same for its seed, the card of its model.

What needs the recordings looks for them in EDGE_DEPLOY_TEST_DATA or `../shared`, and is skipped
where they are not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import compiler, model, motion, recordings
from edge_deploy.errors import BadInput
from edge_deploy.features import MotionFeatures
from edge_deploy.model import oracle
from edge_deploy.training import classification, datasets, evaluate, recipe, runtime, train
from tests import own_lab

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "labs" / "gesture"
DATA = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", ROOT.parent / "shared")) / "data"
WAND = "magic_wand_spells_nano33"


@pytest.fixture(scope="module")
def made(tmp_path_factory, module):
    """A small folder: four clips of each spell to train with and one to test, all different."""
    folder = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(0)
    for number, file in enumerate(module.FILES.values()):
        for part, count in (("train", 4), ("test", 1)):
            root = folder / WAND / part
            root.mkdir(parents=True, exist_ok=True)
            waves = np.sin(
                np.arange(module.SAMPLES)[:, np.newaxis] * (number + 1) / 10 + [0, 2, 4] * 2
            )
            clips = [waves * 9_000 + draw.normal(0, 300, waves.shape) for _ in range(count)]
            motion.write(root / file, np.rint(np.concatenate(clips)).astype(np.int16))
    return folder


@pytest.fixture(scope="module")
def wand(tmp_path_factory):
    """The folder of the real recordings, unpacked once for this run."""
    if not (DATA / f"{WAND}.tar.xz").is_file():
        pytest.skip(f"no {WAND}.tar.xz (EDGE_DEPLOY_TEST_DATA, {DATA})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        return datasets.folder_of(WAND, DATA).parent


def test_an_epoch_is_the_same_for_its_seed_and_another_than_the_next(made, module):
    data = module.data(1, made)
    first, again, second = data.fresh(0), module.data(1, made).fresh(0), data.fresh(1)
    assert first.inputs.shape == data.train.inputs.shape == (len(data.train), 119, 6)
    assert first.inputs.dtype == np.float32
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, data.train.targets)
    assert (first.inputs != second.inputs).any(axis=(1, 2)).all()
    # Every spell as often, and so many of none.
    counts = Counter(first.targets.argmax(axis=1).tolist())
    spells = len(module.FILES) * 2 * module.EACH
    assert counts.pop(module.NONE) == round(module.NONE_SHARE * spells)
    assert set(counts.values()) == {2 * module.EACH}


def test_held_out_clips_are_the_tests_and_as_the_board_sees_them(made, module, lab):
    data, held = module.data(1, made), module.held_out(made)
    assert [one.label for one in held] == data.test.targets.argmax(axis=1).tolist()
    features = MotionFeatures(lab.features)
    for one, row in zip(held, data.test.inputs, strict=True):
        assert np.array_equal(features.window(one.samples()), row)
    names = [clip.name for clip in module.clips(made)]
    assert len(set(names)) == len(names) == 25
    validation = data.validation.targets.argmax(axis=1)
    assert (validation == module.NONE).sum() == 10
    assert (np.bincount(validation)[1:] == module.VALIDATION_EACH).all()


def test_knobs_at_their_defaults_are_the_lab_and_a_lower_rate_is_what_the_board_averages(
    made, module, lab
):
    loaded = recipe.load(FOLDER)
    assert module.variant(lab, loaded.defaults) == lab
    for average in (2, 4):
        slower = {**loaded.defaults, "average": average}
        settings = module.variant(lab, slower).features
        assert settings.samples % average == 0
        data = module.data(1, made, loaded.of_inputs(slower))
        held = module.held_out(made)
        for one, row in zip(held, data.test.inputs, strict=True):
            window = MotionFeatures(settings).window(one.samples()[-settings.samples :])
            assert row.shape == settings.shape == window.shape
            assert np.allclose(row, window, atol=1e-6)
        assert data.fresh(1).inputs.shape[1:] == data.representative.shape[1:] == settings.shape


def test_what_is_no_spell_is_still_or_a_piece_or_mixed(made, module):
    spells = module.windows(module.clips(made))
    found = module.no_spells(spells, 200, np.random.default_rng(2))
    assert found.shape == (200, 119, 6)
    assert np.isfinite(found).all()
    still = found[: round(module.STILL_SHARE * 200)]
    gravity = np.linalg.norm(still[..., :3].mean(axis=1), axis=-1)
    assert np.abs(gravity - 0.25).max() < 0.2
    assert np.abs(still[..., 3:]).mean() < 0.1
    # Of a piece of a spell more than half of the second is its held end.
    pieces = found[len(still) : len(still) + round(module.PIECE_SHARE * 200)]
    moves = (np.diff(pieces, axis=1) != 0).any(axis=-1).sum(axis=1)
    assert moves.max() <= module.PIECE_SAMPLES + 1


def test_a_cut_file_is_refused(tmp_path, module):
    root = tmp_path / WAND / "train"
    root.mkdir(parents=True)
    path = root / next(iter(module.FILES.values()))
    motion.write(path, np.zeros((118, 6), np.int16))
    with pytest.raises(BadInput, match="has 118 samples; a clip has 119"):
        module.clips(tmp_path)
    with pytest.raises(datasets.NoData):
        module.clips(tmp_path / "train")


def test_own_recordings_take_the_place_of_the_data_set(lab, module, tmp_path):
    mine = dataclasses.replace(lab, folder=tmp_path)
    for number, speaker in enumerate(("ada", "bob", "cyd")):
        own_lab.record(mine, speaker, number)
    folder = tmp_path / "data"
    data = module.data(1, folder)
    # Of three people one is in each part; two clips of each of six labels, none of them made up.
    assert len(data.train) == 12 * module.EACH
    assert len(data.validation) == len(data.test) == 12
    first, second = data.fresh(0), data.fresh(1)
    assert first.inputs.shape == data.train.inputs.shape == (len(data.train), 119, 6)
    assert (first.targets.sum(axis=0) == 2 * module.EACH).all()
    assert (first.inputs != second.inputs).any(axis=(1, 2)).all()
    assert "in place of" in data.about.data
    held = module.held_out(folder)
    assert {one.group for one in held} == {"bob"}
    features = MotionFeatures(lab.features)
    for one, row in zip(held, data.test.inputs, strict=True):
        assert np.array_equal(features.window(one.samples()), row)


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
    assert int(result.classes.in_int8.sum()) == result.test_samples == 5
    assert str(made) not in result.card


@pytest.mark.slow
def test_the_recipe_makes_the_committed_model(wand, content, card, lab):
    try:
        runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    here = f"{runtime.versions()}, numpy {np.__version__}, {platform.machine()}"
    if here not in card:
        pytest.skip(f"the card is by other versions than {here}")
    result = train(lab, recordings=wand)
    assert result.model == content
    assert result.card == card


def test_the_given_split_is_kept(wand, module):
    clips = module.clips(wand)
    counts = Counter((clip.part, clip.label) for clip in clips)
    assert len(clips) == 125
    assert sum(counts[datasets.TEST, label] for label in range(6)) == 25
    assert all(counts[datasets.VALIDATION, label] == 2 for label in range(1, 6))
    sounds = {clip.raw.tobytes() for clip in clips}
    assert len(sounds) == 125


def test_the_card_is_of_this_model_and_quotes_this_cross_validation(content, card, module):
    assert hashlib.sha256(content).hexdigest() in card
    assert f"{len(content):,}" in card
    for word in ("MIT licence", "seed ", "95 % interval", "magic_wand_k66f", "Cross-validation"):
        assert word in card
    found = json.loads(module.CROSS_VALIDATION.read_text(encoding="utf-8"))
    # Else the recipe was changed and the figure is of another one: cross_validate.py.
    assert found["settings"] == module.settings_sha256()
    assert (found["clips"], found["folds"], len(found["int8"])) == (125, 5, 5)
    mean = float(np.mean(found["int8"]))
    assert mean >= 0.9
    assert abs(mean - np.mean(found["float"])) < 0.01
    assert f"**{100 * mean:.1f} %**" in card


def test_a_cross_validation_of_another_recipe_is_not_quoted(module, monkeypatch, tmp_path):
    assert len(module._cross_validated()) == 2
    monkeypatch.setattr(module, "NOISE", 0.02)
    assert module._cross_validated() == ()
    monkeypatch.setattr(module, "CROSS_VALIDATION", tmp_path / "none.json")
    assert module._cross_validated() == ()


def test_folds_share_every_label_evenly():
    dealt = runpy.run_path(str(FOLDER / "cross_validate.py"))["dealt"]
    truth = np.repeat(np.arange(1, 6), [25, 25, 24, 23, 25])
    fold = dealt(truth, np.random.default_rng(0))
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]
    for label in range(1, 6):
        shares = np.bincount(fold[truth == label], minlength=5)
        assert shares.max() - shares.min() <= 1
    whole = np.bincount(fold)
    assert whole.max() - whole.min() <= 1


def test_the_model_is_within_its_limits(content, lab):
    assert len(content) <= 20_000
    graph = model.read(content)
    assert sum(model.macs(graph)) <= 200_000
    arena = compiler.compile(graph, target=compiler.CORTEX_M4).arena_bytes
    assert arena <= min(budget["arena_bytes"] for budget in lab.budgets.values())


def test_the_test_clips_are_told_as_the_card_says(wand, module, content, card):
    try:
        name = oracle.open_reference(content).name
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)
    if "tflite-runtime 2.14" not in name:
        pytest.skip(f"the card's figures are by another reference than {name}")
    test = [clip for clip in module.clips(wand) if clip.part == datasets.TEST]
    outputs, _ = evaluate.int8_outputs(content, model.read(content), module.windows(test))
    targets = module.targets([clip.label for clip in test])
    counts = classification.confusion(len(module.LABELS), targets, outputs)
    assert f"int8: {classification.sure(counts)}" in card


def test_the_demo_has_a_clip_of_every_spell(made, module, tmp_path):
    runpy.run_path(str(FOLDER / "make_demo.py"))["main"](made, tmp_path / "spells.csv")
    rows = motion.read(tmp_path / "spells.csv", 6)
    each = rows.reshape(5, -1, 6)
    for one, clip in zip(each, module.held_out(made), strict=True):
        assert np.array_equal(one[240:359], clip.samples())
        assert not one[:240, 3:].any()
        assert not one[359:, 3:].any()


def test_it_learns_from_own_recordings_too(lab, tmp_path):
    mine = dataclasses.replace(lab, folder=tmp_path)
    for number, speaker in enumerate(("ada", "bob", "cyd", "dan", "eve")):
        own_lab.record(mine, speaker, number)
    loaded = recipe.load(FOLDER)
    data = loaded.data(1, tmp_path / "data")
    assert len(data.test) == 2 * len(lab.labels)
    assert data.test.inputs.shape[1:] == lab.features.shape
    assert data.about is not None
    assert recordings.names_speaker("\n".join(data.notes), "ada")
    hold_out = recipe.function(FOLDER, "held_out")
    held = hold_out(tmp_path / "data")
    assert {each.name.split("/")[1].split("_")[0] for each in held} == {"bob"}
    # What training tests on is what `evaluate` plays to a board.
    window = MotionFeatures(lab.features).window
    played = np.stack([window(each.samples()) for each in held])
    assert data.test.inputs.tobytes() == played.tobytes()
    assert data.fresh(0).inputs.shape[1:] == lab.features.shape
