"""Own recordings become samples: the board's windows, split by who made them, refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_deploy import compiler, features, labs, model, recordings
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.recordings import Facts
from edge_deploy.training import datasets, own, recipe
from edge_deploy.training.recipe import Network, Plan
from tests import own_lab
from tests.recordings import made as names

SPEAKERS = ("ada", "bob", "cyd", "dan", "eve")


@pytest.fixture(params=own_lab.SENSORS)
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    """A lab of each kind, recorded by five."""
    made = own_lab.lab(tmp_path / "own", request.param)
    for number, speaker in enumerate(SPEAKERS):
        own_lab.record(made, speaker, number)
    return made


def test_windows_are_the_boards_and_nobody_is_in_two_parts(full: Lab) -> None:
    folder = full.folder / "data"
    data = recipe.load(full.folder).data(3, folder)
    assert full.features is not None
    for part, count in ((data.train, 18), (data.validation, 6), (data.test, 6)):
        assert part.inputs.shape == (count, *full.features.shape)
        assert part.inputs.dtype == np.float32
        assert part.targets.tolist() == np.eye(3)[np.repeat([1, 0, 2], count // 3)].tolist()
    # The second of the five speakers is the test's: the first of her clips, by hand.
    clip = recordings.clips(folder, label="low", speaker="bob")[0]
    raw = own.samples(full, clip)
    maker = features.of(full.features)
    by_hand = maker.clip(raw) if isinstance(maker, features.AudioFeatures) else maker.window(raw)
    assert data.test.inputs[2].tobytes() == by_hand.tobytes()
    held = own.held_out(full, folder)
    assert [each.label for each in held] == [1, 1, 0, 0, 2, 2]
    assert held[2].name == clip.file
    assert held[2].samples().tobytes() == raw.tobytes()
    notes = "\n".join(data.notes)
    assert recordings.names_speaker(notes, "ada")
    assert not recordings.names_speaker(notes, "bob")  # was only asked, never learnt from
    assert recordings.fingerprint(recordings.clips(folder)) in notes


def test_epochs_differ_and_are_repeatable(full: Lab) -> None:
    folder = full.folder / "data"
    loaded = recipe.load(full.folder)
    data, again, other = (loaded.data(seed, folder) for seed in (3, 3, 4))
    assert data.fresh is not None
    assert again.fresh is not None
    assert other.fresh is not None
    first = data.fresh(0)
    assert first.inputs.shape == data.train.inputs.shape
    assert first.targets.tolist() == data.train.targets.tolist()
    assert np.isfinite(first.inputs).all()
    assert first.inputs.tobytes() == again.fresh(0).inputs.tobytes()
    for different in (data.train, data.fresh(1), other.fresh(0)):
        assert first.inputs.tobytes() != different.inputs.tobytes()


@pytest.mark.parametrize("sensor", own_lab.SENSORS)
def test_the_networks_become_int8_that_fits_their_budgets(sensor: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra `train`")
    from edge_deploy.training.quantize import quantize

    made = own_lab.lab(tmp_path / "own", sensor)
    loaded = recipe.load(made.folder)

    def of(**knobs: float) -> Network:
        stand = {**loaded.defaults, **knobs}
        return loaded.network(Plan(seed=1, epochs=1, batch=8, train_samples=8, knobs=stand))

    network = of()
    assert of(width=0.5).count_params() < 0.7 * network.count_params()
    assert made.features is not None
    shape = made.features.shape
    ranges = np.random.default_rng(1).uniform(0, 1, (8, *shape)).astype(np.float32)
    graph = model.read(quantize(network, ranges), name="own")
    assert graph.tensors[graph.inputs[0]].elements == np.prod(shape)
    compiled = compiler.compile(graph, target="cortex_m4", model_name="own")
    for limits in made.budgets.values():
        # Half of the limits for what students will add.
        assert compiled.arena_bytes <= limits["arena_bytes"] / 1.5
        assert compiled.weights_bytes <= limits["flash_bytes"] / 2
    assert set(made.budgets) == {"nano33", "xiao_esp32s3"}


@pytest.fixture
def mic(tmp_path: Path) -> Lab:
    return own_lab.lab(tmp_path / "own", "mic")


def refused(made: Lab, *words: str) -> BadInput:
    with pytest.raises(BadInput) as told:
        recipe.load(made.folder).data(1, made.folder / "data")
    assert all(word in told.value.message for word in words), told.value.message
    return told.value


def test_a_label_without_recordings(mic: Lab) -> None:
    told = refused(
        mic, "data has no recordings of low, high, noise; own tells low, high, noise apart"
    )
    assert isinstance(told, datasets.NoData)
    assert told.try_next[0].startswith("edge-deploy record --board BOARD --lab")
    for number in range(3):
        own_lab.record(mic, "ada", number)
    (mic.folder / "data" / "quiet").mkdir()  # an empty folder of another name says nothing
    recipe.load(mic.folder).data(1, mic.folder / "data")
    names.keep(mic.folder / "data", "hihg", "ada")
    refused(mic, "recordings of hihg, which own does not know; its labels are low, high, noise")


def test_one_label_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    refused(own_lab.lab(tmp_path / "own", "mic", ("low",)), "own has 1 label; there must be 2")


def test_too_few_sessions(mic: Lab) -> None:
    for number in range(2):
        own_lab.record(mic, "ada", number)
    told = refused(mic, "label high has recordings of 2 sessions", "training, validation and test")
    assert f"--lab {mic.folder} --data {mic.folder / 'data'} --label high" in told.try_next[0]


@pytest.mark.parametrize(
    ("rate_hz", "seconds", "words"),
    [(8_000, 1.0, "8000 Hz"), (16_000, 0.5, "has 8,000 samples; a window of own needs 15,840")],
)
def test_a_clip_that_is_not_as_the_others(
    mic: Lab, rate_hz: int, seconds: float, words: str
) -> None:
    from edge_deploy import audio

    for number in range(3):
        own_lab.record(mic, "ada", number)
    odd = np.zeros(round(rate_hz * seconds), np.int16)
    clip = recordings.keep(
        mic.folder / "data",
        "low",
        "bob",
        names.session(99),
        Facts("microphone", rate_hz, "nano33", "virtual"),
        lambda path: audio.write(path, odd, rate_hz=rate_hz),
    )
    told = refused(mic, clip.path.name, words)
    assert not any(line.startswith("--resample") for line in told.try_next)
    clip.path.write_bytes(b"RIFF")
    refused(mic, clip.path.name, "damaged")


def test_of_a_longer_clip_the_middle(mic: Lab) -> None:
    from edge_deploy import audio

    sound = np.arange(20_000, dtype=np.int16)
    clip = recordings.keep(
        mic.folder / "data",
        "low",
        "bob",
        names.session(1),
        names.MIC,
        lambda path: audio.write(path, sound),
    )
    assert own.samples(mic, clip).tolist() == list(range(2_080, 17_920))


def test_a_clip_of_another_sensor(mic: Lab) -> None:
    for number in range(3):
        own_lab.record(mic, "ada", number)
    names.keep(mic.folder / "data", "low", "ada", facts=Facts("camera", None, "nano33", "virtual"))
    refused(mic, "is of a camera; own is for microphone")


def test_a_lab_of_ones_own_learns_from_what_lies_beside_it(mic: Lab, tmp_path: Path) -> None:
    assert datasets.beside(mic.folder) == mic.folder / "data"
    assert datasets.beside(labs.load("kws").folder) is None
    assert datasets.beside(tmp_path) is None
