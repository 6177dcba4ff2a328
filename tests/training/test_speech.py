"""A folder of spoken words: nobody is in two parts, nor is a sound."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import BadInput
from edge_deploy.training import datasets, speech
from tests.training import recordings


@pytest.fixture
def folder(tmp_path):
    return recordings.folder(tmp_path, ("silence", "unknown", "yes"), of=40) / recordings.WORDS


def test_a_speaker_is_in_one_part_with_every_word(folder):
    clips = speech.spoken(folder, {"_unknown_": 1, "yes": 2})
    assert [clip.label for clip in clips] == [1] * 40 + [2] * 40
    parts = {clip.speaker: clip.part for clip in clips}
    assert set(parts.values()) == set(datasets.PARTS)
    assert all(clip.part == parts[clip.speaker] for clip in clips)
    assert {clip.path.name.startswith("bird_") for clip in clips if clip.label == 1} == {True}


def test_a_copy_counts_once_whoever_is_said_to_speak(folder):
    first, *_, last = sorted((folder / "yes").iterdir())
    last.write_bytes(first.read_bytes())
    found = speech.spoken(folder, {"yes": 2})
    assert len(found) == 39
    assert first in {clip.path for clip in found}


def test_what_is_missing_or_misnamed_is_told(folder):
    with pytest.raises(datasets.NoData, match="no WAV files"):
        speech.spoken(folder, {"yes": 0, "nothing": 1})
    (folder / "yes" / "me.wav").write_bytes(b"")
    with pytest.raises(BadInput, match=r"me\.wav: expected a name like 0c540988_nohash_0\.wav"):
        speech.spoken(folder, {"yes": 0})


def test_silence_goes_where_its_noise_goes_and_nowhere_on_a_border(tmp_path):
    second = recordings.RATE_HZ
    firsts = {"a.wav": 0, "b.wav": 74 * second, "c.wav": 75 * second, "d.wav": 99 * second}
    firsts["border.wav"] = 75 * second - 1
    for name in (*firsts, "unheard_of.wav"):
        recordings.write(tmp_path / "_silence_" / name, recordings.noise(1, 1))
    cuts = {name: speech.Cut("rain.wav", first) for name, first in firsts.items()}
    cuts["elsewhere.wav"] = speech.Cut("wind.wav", 0)
    found = speech.silent(tmp_path, 0, cuts, {"rain.wav": 100 * second}, second)
    assert {clip.path.name: clip.part for clip in found} == {
        "a.wav": "train",
        "b.wav": "train",
        "c.wav": "validation",
        "d.wav": "test",
    }


def test_a_table_of_cuts_is_read_or_told(tmp_path):
    path = tmp_path / "cuts.csv"
    path.write_text("clip,recording,first_sample\n1.wav,rain.wav,320\n")
    assert speech.cuts(path) == {"1.wav": speech.Cut("rain.wav", 320)}
    for wrong in ("clip,first\n1,2\n", "clip,recording,first_sample\n1.wav,rain.wav,soon\n"):
        path.write_text(wrong)
        with pytest.raises(BadInput, match=r"cuts\.csv: not a table"):
            speech.cuts(path)


def test_a_clip_gets_the_length_it_should_have(tmp_path):
    sound = recordings.tone(440, 1)
    recordings.write(tmp_path / "a.wav", sound)
    assert np.array_equal(speech.sound(tmp_path / "a.wav", 16_000, 8_000), sound[:8_000])
    longer = speech.sound(tmp_path / "a.wav", 16_000, 20_000)
    assert np.array_equal(longer[:16_000], sound)
    assert not longer[16_000:].any()
