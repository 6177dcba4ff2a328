"""Labs that ship learn from own recordings, laid out by their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_deploy import labs, recordings
from edge_deploy.labs import Lab
from edge_deploy.recordings import Facts
from edge_deploy.training import own, recipe
from tests import own_lab

SPEAKERS = ("ada", "bob", "cyd", "dan", "eve")


def _record(lab: Lab, folder: Path) -> None:
    facts = Facts(lab.source.kind, lab.source.sample_rate_hz or None, "nano33", "virtual")
    for place, label in enumerate(lab.labels):
        for number, speaker in enumerate(SPEAKERS):
            draw = np.random.default_rng((place, number))
            session = f"2026010{number + 1}T{place:02d}0000"
            write = own_lab.writer(lab, place % 6, draw)
            recordings.keep(folder, label, speaker, session, facts, write)


@pytest.mark.parametrize("name", ["gesture", "kws", "vision"])
def test_a_lab_of_ours_takes_own_recordings(name: str, tmp_path: Path) -> None:
    lab = labs.load(name)
    assert not own.laid_out(lab.labels, tmp_path)
    _record(lab, tmp_path)
    assert own.laid_out(lab.labels, tmp_path)
    found = recipe.load(lab.folder)
    data = found.data(1, tmp_path)
    count = len(lab.labels)
    assert (len(data.validation), len(data.test)) == (count, count)
    # As the network takes them: the lab's window, perhaps with a channel.
    assert lab.features is not None
    assert data.test.inputs.shape[1:] in {lab.features.shape, (*lab.features.shape, 1)}
    assert sorted(data.test.targets.argmax(axis=1).tolist()) == list(range(count))
    notes = "\n".join(data.notes)
    assert recordings.names_speaker(notes, "ada")
    assert not recordings.names_speaker(notes, "bob")  # the test's
    assert data.about is not None
    assert data.about.purpose == found.about.purpose
    assert data.fresh is not None
    first, again, second = (data.fresh(epoch) for epoch in (0, 0, 1))
    # Three people's clips, of gesture each several times over: it has few.
    assert first.inputs.shape == data.train.inputs.shape
    assert len(first) % (3 * count) == 0
    assert first.inputs.shape[1:] == data.test.inputs.shape[1:]
    assert first.inputs.tobytes() == again.inputs.tobytes() != second.inputs.tobytes()
    held_out = recipe.function(lab.folder, "held_out")
    assert held_out is not None
    told = [
        each if isinstance(each, tuple) else (each.name, each.label) for each in held_out(tmp_path)
    ]
    assert sorted(label for _, label in told) == list(range(count))
    assert all("bob_" in str(name) for name, _ in told)
