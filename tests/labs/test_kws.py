"""labs/kws: nobody in two parts, every epoch the same for its seed, and the model as its card says.

What needs the recordings looks for them in EDGE_DEPLOY_TEST_DATA or `../shared`, and is skipped
where they are not.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import audio, compiler, model
from edge_deploy.features import AudioFeatures
from edge_deploy.model import oracle
from edge_deploy.model.graph import DType
from edge_deploy.training import classification, datasets, evaluate, recipe, runtime, train
from tests.training import recordings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "labs" / "kws"
DATA = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", ROOT.parent / "shared")) / "data"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The folder of the real recordings, unpacked once for this run."""
    if not (DATA / "speech_commands.tar.xz").is_file():
        pytest.skip(f"no speech_commands.tar.xz (EDGE_DEPLOY_TEST_DATA, {DATA})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        folder = datasets.folder_of("speech_commands", DATA).parent
        noise = datasets.folder_of("speech_commands_background_noise", DATA)
    (folder / noise.name).symlink_to(noise)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory, lab, module):
    """A small folder of tones and noise: one clip of each word by 14 speakers."""
    root = recordings.folder(tmp_path_factory.mktemp("made"), lab.labels, of=14)
    lengths = {cut.recording for cut in module.speech.cuts(FOLDER / "silence.csv").values()}
    for seed, name in enumerate(sorted(lengths)):
        recordings.write(root / recordings.NOISE / name, recordings.noise(seed, 62))
    for number in (3, 4, 6, 27, 33, 73, 89, 158, 167, 301, 319, 330, 335):
        recordings.write(
            root / recordings.WORDS / "_silence_" / f"{number}.wav", recordings.noise(number, 1)
        )
    return root


def test_an_epoch_is_the_same_for_its_seed_and_another_than_the_next(made, module, lab):
    data = module.data(1, made)
    first, again, second = data.fresh(0), module.data(1, made).fresh(0), data.fresh(1)
    assert first.inputs.shape == data.train.inputs.shape == (len(data.train), 49, 40, 1)
    assert first.inputs.dtype == np.float32
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, data.train.targets)
    changed = (first.inputs != second.inputs).any(axis=(1, 2, 3))
    assert changed.all()
    assert (module.data(2, made).fresh(0).inputs != first.inputs).any(axis=(1, 2, 3)).all()
    # Training hears nothing that it is tested with: not by file, and so not by features.
    assert np.array_equal(data.train.targets.sum(axis=1), np.ones(len(data.train)))
    rows = {row.tobytes() for row in data.train.inputs}
    assert not rows & {row.tobytes() for row in data.test.inputs}
    assert lab.labels == module.LABELS


def test_inputs_are_the_boards_features_of_the_held_out_clips(made, module, lab):
    data, held = module.data(1, made), module.held_out(made)
    assert len(held) == len(data.test)
    assert [label for _, label in held] == data.test.targets.argmax(axis=1).tolist()
    features = AudioFeatures(lab.features)
    for (path, _), row in zip(held, data.test.inputs, strict=True):
        assert np.array_equal(features.clip(audio.read(path).samples), row[..., 0])
    assert {path.name for path in module.background(made)} == {
        path.name for path in (made / recordings.NOISE).iterdir()
    }


def test_knobs_at_their_defaults_are_the_lab_itself(module, lab):
    loaded = recipe.load(FOLDER)
    assert [knob.name for knob in loaded.knobs] == ["width", "depth", "mel_bins", "hop_ms"]
    assert module.variant(lab, loaded.defaults) == lab


def test_every_input_rate_is_one_that_the_firmware_can_make(module, lab, made):
    loaded = recipe.load(FOLDER)
    hops = next(knob for knob in loaded.knobs if knob.name == "hop_ms").values
    for hop_ms in hops:
        knobs = {**loaded.defaults, "mel_bins": 20, "hop_ms": hop_ms}
        found = module.variant(lab, knobs).audio
        assert found.bins == 20
        assert found.hop_samples == 16 * hop_ms
        assert found.hop_samples <= found.frame_samples <= found.fft
        assert lab.source.stride_ms % hop_ms == 0
        heard = found.frame_samples + (found.frames - 1) * found.hop_samples
        assert 16_000 - found.hop_samples < heard <= 16_000
    data = module.data(1, made, knobs)
    assert data.validation.inputs.shape[1:] == (found.frames, 20, 1)
    assert data.fresh(0).inputs.shape == data.train.inputs.shape


@pytest.mark.parametrize("knobs", [{}, {"width": 0.5, "depth": 3, "mel_bins": 20, "hop_ms": 40}])
def test_the_network_takes_the_inputs_that_its_knobs_make(module, lab, knobs):
    try:
        runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    loaded = recipe.load(FOLDER)
    stand = {**loaded.defaults, **knobs}
    network = module.network(recipe.Plan(1, 2, 64, 128, stand))
    features = module.variant(lab, stand).audio
    assert network.inputs[0].shape[1:] == (features.frames, features.bins, 1)
    # 45 thousand parameters are the card's; half as wide is less than a third of them.
    assert network.count_params() > 40_000 if not knobs else network.count_params() < 15_000


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
    assert int(result.classes.in_int8.sum()) == result.test_samples
    assert "--data FOLDER --epochs 1" in result.card
    assert str(made) not in result.card


def test_without_recordings_training_says_what_it_needs(lab, tmp_path):
    try:
        runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    with pytest.raises(datasets.NoData, match="kws learns from recordings, and none are given"):
        train(lab)
    with pytest.raises(datasets.NoData, match="nowhere is no folder"):
        train(lab, recordings=tmp_path / "nowhere")
    with pytest.raises(datasets.NoData, match="neither a folder speech_commands"):
        train(lab, recordings=tmp_path)


def test_no_speaker_and_no_sound_is_in_two_parts(people, module):
    parts = module.parts(people)
    assert list(parts) == list(datasets.PARTS)
    assert sum(len(clips) for clips in parts.values()) > 3_800
    for kind in ("speaker", "sound"):
        seen: dict[object, str] = {}
        for part, clips in parts.items():
            assert {clip.label for clip in clips} == set(range(12))
            for clip in clips:
                key = (
                    clip.speaker or clip.path.name
                    if kind == "speaker"
                    else hashlib.sha256(clip.path.read_bytes()).hexdigest()
                )
                assert seen.setdefault(key, part) == part, f"{clip.path} is in {seen[key]} too"


def test_silence_was_cut_where_the_table_says(people, module):
    table = module.speech.cuts(FOLDER / "silence.csv")
    files = sorted((people / "speech_commands" / "_silence_").glob("*.wav"))
    assert {path.name for path in files} == set(table)
    noise = {path.name: audio.read(path).samples for path in module.background(people)}
    for path in files:
        clip, cut = audio.read(path).samples.astype(np.float64), table[path.name]
        there = noise[cut.recording][cut.first : cut.first + clip.size].astype(np.float64)
        # Of one stretch at two levels, each rounded to whole steps: faint ones match least.
        assert clip @ there / np.sqrt((clip @ clip) * (there @ there)) > 0.97, path.name


def test_training_noise_ends_before_any_noise_of_the_other_parts(people, module):
    whole = [audio.read(path).samples.size for path in module.background(people)]
    heard = [sound.size for sound in module._noises(people)]
    assert all(part <= 0.75 * size for part, size in zip(heard, whole, strict=True))


def test_the_card_is_of_this_model(content, card):
    assert hashlib.sha256(content).hexdigest() in card
    assert f"{len(content):,}" in card
    for word in ("CC BY 4.0", "seed ", "95 % interval", "speakers"):
        assert word in card


def test_the_model_is_within_its_limits(content, lab):
    assert len(content) <= 80_000
    graph = model.read(content)
    assert sum(model.macs(graph)) <= 3_000_000
    (source,), (sink,) = (
        [graph.tensors[i] for i in ends] for ends in (graph.inputs, graph.outputs)
    )
    assert (source.dtype, source.shape) == (DType.INT8, (1, 49, 40, 1))
    assert (sink.dtype, sink.shape) == (DType.INT8, (1, len(lab.labels)))
    assert {operator.name for operator in graph.operators} <= {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "AVERAGE_POOL_2D",
        "RESHAPE",
        "FULLY_CONNECTED",
        "SOFTMAX",
    }
    for target in compiler.TARGETS:
        compiled = compiler.compile(graph, target=target)
        assert compiled.weights_bytes < 80_000


def _right(card: str, kind: str) -> tuple[int, int]:
    found = re.search(rf"^- {kind}: ([\d,]+) of ([\d,]+) right", card, re.MULTILINE)
    assert found is not None
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def test_the_card_says_what_was_asked(card):
    (in_float, of), (in_int8, same) = _right(card, "float"), _right(card, "int8")
    assert of == same > 800
    assert in_int8 / of >= 0.88
    assert abs(in_float - in_int8) / of <= 0.01


def test_held_out_speakers_are_heard_as_the_card_says(people, module, content, card):
    try:
        oracle.open_reference(content)
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)
    features = AudioFeatures(module.LAB.features)
    held = module.held_out(people)
    inputs = np.stack([features.clip(audio.read(path).samples) for path, _ in held])
    outputs, name = evaluate.int8_outputs(content, model.read(content), inputs[..., np.newaxis])
    targets = np.eye(len(module.LABELS))[[label for _, label in held]]
    counts = classification.confusion(len(module.LABELS), targets, outputs)
    right, of = _right(card, "int8")
    assert int(counts.sum()) == of
    # Newer runtimes may round an output the other way.
    assert abs(int(np.trace(counts)) - right) <= (
        0 if name.startswith("tflite-runtime 2.14") else 3
    )


def test_the_solutions_figures_that_do_not_drift_are_the_models(content, card):
    text = (FOLDER / "solution.md").read_text(encoding="utf-8")
    graph = model.read(content)
    compiled = compiler.compile(graph, target=compiler.CORTEX_M4)
    said = (
        f"{sum(model.macs(graph)):,} MACs, {compiled.weights_bytes:,} B of weights and "
        f"{compiled.arena_bytes:,} B of arena"
    )
    assert said in text
    assert f"{model.weights_bytes(graph):,} B" in text
    # The card's three largest confusions are the solution's.
    rows = re.findall(r"^\| (\w+) +\| ((?:[\d.]+ +\| *){12})$", card, re.MULTILINE)
    labels = [label for label, _ in rows]
    assert len(labels) == 12
    pairs = sorted(
        (-int(cell), label, labels[column])
        for label, cells in rows
        for column, cell in enumerate(re.findall(r"[\d.]+", cells))
        if cell != "." and labels[column] != label
    )
    for count, label, other in pairs[:3]:
        assert re.search(rf"\*{label}\* (is taken )?for \*{other}\* {-count} times", text)
