"""`train --data` with recordings of one's own: a lab of ours learns from them, or says why not."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy import audio, labs, recordings
from edge_deploy.errors import BadInput, Exit
from edge_deploy.recordings import Facts
from edge_deploy.training import TrainingMissing, recipe, runtime, speech
from tests import test_docs

SPEAKERS = ("ada", "bob", "cyd", "dan", "eve")
LABELS = labs.load("kws").labels
FACTS = Facts("microphone", 16_000, "nano33", "virtual")


def _keep(folder, label, speaker, session, sound):
    return recordings.keep(
        folder, label, speaker, session, FACTS, lambda path: audio.write(path, sound)
    )


@pytest.fixture
def own(tmp_path):
    """Every label of kws, once by each of five speakers."""
    at = np.arange(16_000) / 16_000
    for place, label in enumerate(LABELS):
        for number, speaker in enumerate(SPEAKERS):
            draw = np.random.default_rng((place, number))
            tone = 3_000 * (np.abs(at - 0.5) < 0.3) * np.sin(2 * np.pi * 200 * 1.3**place * at)
            sound = np.rint(tone * (label != "silence") + draw.normal(0, 40, at.size))
            session = f"2026010{number + 1}T{place:02d}0000"
            _keep(tmp_path / "mine", label, speaker, session, sound.astype(np.int16))
    return tmp_path / "mine"


@pytest.fixture
def _tensorflow():
    try:
        runtime.load()
    except TrainingMissing as error:
        pytest.skip(error.message)


@pytest.mark.usefixtures("_tensorflow")
def test_a_lab_of_ours_learns_from_own_recordings_beside_itself(
    command, own, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = (labs.load("kws").folder / "model.tflite").read_bytes()
    ended = command("train", "kws", "--data", own, "--epochs", "1", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["model"] == "kws-own/model.tflite"
    assert (labs.load("kws").folder / "model.tflite").read_bytes() == before
    card = (tmp_path / "kws-own" / "card.md").read_text()
    assert "Own recordings (edge-deploy record) in place of" in card
    assert "Speech Commands" not in card
    assert "No person is in two parts." in card
    assert recordings.names_speaker(card, "ada")
    assert not recordings.names_speaker(card, "bob")  # the test's
    assert "| training   | 36 " in card
    # The folder is a lab of its own, and knows which of these recordings it never heard.
    made = labs.load("./kws-own")
    held_out = recipe.function(made.folder, "held_out")
    assert [(path.name[:3], label) for path, label in held_out(own)] == [
        ("bob", LABELS.index(label)) for label in sorted(LABELS)
    ]
    noise = recipe.function(made.folder, "background")
    assert [path.parent.name for path in noise(own)] == ["silence"]


def _empty(folder):
    for path in (folder / "no").iterdir():
        path.unlink()


def _one_class(folder):
    for label in LABELS:
        if label != "yes":
            (folder / label).rename(folder.parent / f"away {label}")


def _write(**form):
    def change(folder):
        path = next((folder / "no").iterdir())
        with wave.open(str(path), "wb") as file:
            file.setnchannels(form.get("channels", 1))
            file.setsampwidth(form.get("bytes", 2))
            file.setframerate(form.get("rate_hz", 16_000))
            file.writeframes(bytes(64_000))

    return change


def _corrupt(folder):
    path = next((folder / "no").iterdir())
    path.write_bytes(path.read_bytes()[:1_000])


@pytest.mark.usefixtures("_tensorflow")
@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            _empty,
            "mine has no recordings of no (no: an empty folder); kws tells silence,",
            "record",
        ),
        (_one_class, "mine has no recordings of silence, unknown, no, up,", "record"),
        (_corrupt, "is damaged: it is cut off: 32,000 bytes of sound are announced", "again"),
        (_write(rate_hz=8_000), "is 8000 Hz, 1 channel; 16000 Hz, 1 channel is wanted", "ffmpeg"),
        (_write(channels=2), "is 16000 Hz, 2 channels; 16000 Hz, 1 channel is wanted", "ffmpeg"),
        (_write(bytes=1), "holds 8-bit samples; 16-bit PCM is wanted", "ffmpeg"),
    ],
    ids=["empty", "one-class", "corrupt", "mixed-rates", "stereo", "8-bit"],
)
def test_what_cannot_be_learnt_from_is_told_in_one_line(command, own, change, message, hint):
    change(own)
    ended = command("train", "kws", "--data", own, "-o", own.parent / "out")
    assert ended.code == Exit.BAD_INPUT
    lines = ended.err.splitlines()
    error = next(index for index, line in enumerate(lines) if line.startswith("Error: "))
    assert message in lines[error]
    assert lines[error + 1] == "Things to try:"
    assert hint in lines[error + 2]
    assert "--resample" not in ended.err
    assert not (own.parent / "out").exists()


def test_labels_that_are_there_make_a_lab_of_their_own(command, own):
    for label in LABELS[3:]:
        (own / label).rename(own.parent / f"away {label}")
    data = recipe.load(labs.load("kws").folder).data
    with pytest.raises(BadInput) as told:
        data(1, own)
    command_line, _, what = told.value.try_next[-1].partition("    ")
    assert command_line == "edge-deploy new mylab --sensor mic --labels silence,unknown,yes"
    assert what == "a lab of what is there"
    test_docs.check(tuple(shlex.split(command_line)[1:]))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_whatever_bytes_a_clip_has_it_is_heard_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    audio.write(path, np.arange(400, dtype=np.int16))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 59))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    try:
        sound = speech.sound(path, 16_000, 16_000)
        assert (sound.shape, sound.dtype) == ((16_000,), np.int16)
    except BadInput as error:
        assert path.name in error.message
        assert not any(line.startswith("--resample") for line in error.try_next)


def test_without_tensorflow_one_line_says_what_to_install(command, own, monkeypatch):
    class Hook:
        @staticmethod
        def find_spec(name, *_):
            if name == "tensorflow":
                raise ModuleNotFoundError("No module named 'tensorflow'", name=name)

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Hook, *sys.meta_path])
    importlib.invalidate_caches()
    for words in (("train", "kws", "--data", own), ("train", "hello")):
        ended = command(*words)
        assert ended.code == Exit.BUILD_FAILED
        assert ended.out == ""
        assert ended.err.splitlines() == [
            "Error: training and quantizing need TensorFlow, which is not installed.",
            "Things to try:",
            "  pip install 'edge-deploy[train]'",
        ]
