"""Files of samples: what is taken, and what is told of the rest."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edge_deploy.errors import BadInput
from edge_deploy.training import sample_files
from edge_deploy.training.sample_files import Input

FOUR = (Input("input", (4,)),)
TWO = (Input("a", (2,)), Input("b", (3, 1)))


@pytest.fixture
def good(draw):
    return draw.normal(size=(7, 4))


def test_a_file_of_one_array_is_the_one_input(tmp_path, good):
    np.save(tmp_path / "x.npy", good)
    np.savez(tmp_path / "x.npz", anything=good)
    for name in ("x.npy", "x.npz"):
        (values,) = sample_files.read(tmp_path / name, FOUR).values()
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, good.astype(np.float32))


def test_several_inputs_are_found_by_name(tmp_path):
    np.savez(tmp_path / "x.npz", b=np.ones((5, 3, 1)), a=np.zeros((5, 2), np.uint8))
    samples = sample_files.read(tmp_path / "x.npz", TWO)
    assert list(samples) == ["a", "b"]
    assert samples["a"].shape == (5, 2)
    assert sample_files.count_of(samples) == 5


def test_a_folder_has_samples_and_arrays_of_them_in_the_order_of_names(tmp_path, good):
    np.save(tmp_path / "b.npy", good[1:])
    np.save(tmp_path / "a.npy", good[0])
    (values,) = sample_files.read(tmp_path, FOUR).values()
    np.testing.assert_array_equal(values, good.astype(np.float32))


def test_an_open_size_is_that_of_the_samples(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 9, 2)))
    (values,) = sample_files.read(tmp_path / "x.npy", (Input("input", (None, 2)),)).values()
    assert values.shape == (3, 9, 2)


def _with(value):
    values = np.zeros((3, 4))
    values[1, 2] = value
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 5)), r"shape \(3, 5\); the model's input takes \(n, 4\)"),
        (np.zeros(4), r"shape \(4,\); the model's input takes"),
        (_with(np.nan), "1 of 12 values are not finite"),
        (_with(-np.inf), "1 of 12 values are not finite"),
        (_with(1e300), "not all values fit float32"),
        (np.zeros((3, 4), complex), "type complex128, which are no real numbers"),
        (np.array(["a"]), "type <U1, which are no real numbers"),
    ],
)
def test_values_that_do_not_fit_are_refused(tmp_path, values, message):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(BadInput, match=message):
        sample_files.read(tmp_path / "x.npy", FOUR)


def test_a_pickle_is_not_opened(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match="allow_pickle"):
        sample_files.read(tmp_path / "x.npy", FOUR)


def test_files_that_are_no_arrays_are_refused(tmp_path, good):
    np.save(tmp_path / "x.npy", good)
    whole = (tmp_path / "x.npy").read_bytes()
    np.savez(tmp_path / "x.npz", input=good)
    packed = (tmp_path / "x.npz").read_bytes()
    for name, content in (("a.npy", whole[:-9]), ("b.npy", b""), ("c.npz", packed[:200])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=re.escape(name)):
            sample_files.read(tmp_path / name, FOUR)
    with pytest.raises(BadInput, match=r"come as a \.npy or \.npz file"):
        sample_files.read(tmp_path / "x.csv", FOUR)
    with pytest.raises(BadInput, match="no such file"):
        sample_files.read(tmp_path / "none.npy", FOUR)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no \.npy file in this folder"):
        sample_files.read(tmp_path / "empty", FOUR)


def test_inputs_must_all_be_there_and_as_many(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones((5, 2)), c=np.ones(5))
    with pytest.raises(BadInput, match=r"no array for the input b \(it has a, c\)"):
        sample_files.read(tmp_path / "x.npz", TWO)
    np.savez(tmp_path / "x.npz", a=np.ones((5, 2)), b=np.ones((4, 3, 1)))
    with pytest.raises(BadInput, match="different numbers of samples: a 5, b 4"):
        sample_files.read(tmp_path / "x.npz", TWO)
    with pytest.raises(BadInput, match=r"2 inputs; samples for them come as one \.npz"):
        sample_files.read(tmp_path, TWO)


def test_whole_numbers_must_be_whole():
    whole = (Input("input", (2,), "int32"),)
    values = sample_files.checked({"input": np.array([[1.0, 2.0]])}, whole, "x")["input"]
    assert values.dtype == np.int32
    with pytest.raises(BadInput, match="not all values fit int32"):
        sample_files.checked({"input": np.array([[1.0, 2.5]])}, whole, "x")


@pytest.mark.parametrize(
    ("count", "message"), [(0, "no sample"), (1, "one sample"), (9, "9 samples, all the same")]
)
def test_one_sample_gives_no_range(count, message):
    with pytest.raises(BadInput, match=f"x has {message};"):
        sample_files.distinct({"input": np.ones((count, 4))}, "x")


def test_fewer_samples_are_taken_at_even_distances():
    samples = {"input": np.arange(10)}
    assert sample_files.evenly(samples, 4)["input"].tolist() == [0, 2, 5, 7]
    assert sample_files.evenly(samples, 10) is samples
