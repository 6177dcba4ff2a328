"""The file of an interrupted run: whole or not there, damage noticed, one process at a time."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy.download import DiskFull
from edge_deploy.errors import EdgeDeployError, Exit
from edge_deploy.training.checkpoint import AlreadyTraining, CannotGoOn, Identity, State, kept
from edge_deploy.training.result import Epoch

RUN = Identity(recipe="r", data="d", versions="v")
STATE = State(
    history=(Epoch(1, 5, 0.5, 0.6), Epoch(2, 5, 0.4, 0.5, 0.75)),
    network=[np.arange(6, dtype=np.float32).reshape(2, 3), np.uint32([7, 8])],
    optimizer=[np.int64(3) + np.zeros((), np.int64)],
    best=[np.zeros((2, 3), np.float32), np.uint32([1, 2])],
    best_epoch=1,
)


@pytest.fixture
def run(tmp_path):
    with kept(tmp_path / "training", "my lab", ("folder", 1, None)) as one:
        yield one


def test_a_state_comes_back_as_it_was(run):
    assert run.load(RUN) is None
    assert not run.begun
    run.save(RUN, STATE)
    assert (run.epochs, run.begun) == (2, True)
    found = run.load(RUN)
    assert found.history == STATE.history
    assert found.best_epoch == 1
    for group in ("network", "optimizer", "best"):
        ours, theirs = getattr(STATE, group), getattr(found, group)
        assert [(a.dtype, a.shape, a.tolist()) for a in ours] == [
            (a.dtype, a.shape, a.tolist()) for a in theirs
        ]
    assert [path.suffix for path in run.path.parent.iterdir() if path != run.path] == [".lock"]
    run.forget()
    assert run.load(RUN) is None


@pytest.mark.parametrize(
    ("identity", "what"),
    [
        (Identity("other", "d", "v"), "its recipe changed"),
        (Identity("r", "other", "v"), "the data changed"),
        (Identity("r", "d", "other"), "TensorFlow changed"),
    ],
)
def test_what_is_of_another_run_is_refused(run, identity, what):
    run.save(RUN, STATE)
    with pytest.raises(CannotGoOn, match=f"{what} since it .* after epoch 2 of 5") as caught:
        run.load(identity)
    assert caught.value.exit_code is Exit.BAD_INPUT
    assert caught.value.try_next == ("--restart    begin anew",)
    assert run.load(RUN) is not None  # and is not lost by that


@given(st.data())
def test_damage_is_refused_in_one_line(tmp_path_factory, data):
    with kept(tmp_path_factory.mktemp("kept"), "lab", ()) as one:
        one.save(RUN, STATE)
        content = bytearray(one.path.read_bytes())
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        else:
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        one.path.write_bytes(content)
        with pytest.raises(CannotGoOn, match="is damaged"):
            one.load(RUN)


def test_two_do_not_train_the_same(tmp_path):
    with kept(tmp_path, "lab", ("a", 1)):
        with pytest.raises(AlreadyTraining, match="another edge-deploy trains lab"):
            kept(tmp_path, "lab", ("a", 1)).__enter__()
        with kept(tmp_path, "lab", ("a", 2)) as other:
            assert not other.begun
    with kept(tmp_path, "lab", ("a", 1)):
        pass


def test_a_full_disk_leaves_the_epoch_before(run, monkeypatch):
    run.save(RUN, STATE)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    later = State((*STATE.history, Epoch(3, 5, 0.3, 0.4)), STATE.network, STATE.optimizer)
    with pytest.raises(DiskFull, match="no room left on the disk") as caught:
        run.save(RUN, later)
    assert "run the same command again" in caught.value.try_next[0]
    assert len(run.load(RUN).history) == 2


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(EdgeDeployError, match=r"file/x: cannot be written: Not a directory"),
        kept(tmp_path / "file" / "x", "lab", ()),
    ):
        pass
