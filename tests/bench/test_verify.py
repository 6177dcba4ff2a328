"""Verification finds every differing bit, and nothing else."""

import itertools
import json

import numpy as np
import pytest

from edge_deploy.bench.verify import make_inputs, verify
from edge_deploy.errors import LinkLost, UsageError, WrongBoard
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_model import FakeModel, FakeReference, FakeTensor


def begun(board):
    link = FakeLink(board)
    session = Session(link, clock=link.clock)
    session.begin()
    return session


def tensor(dtype="int8", shape=(1, 300), zero_point=83):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return WireTensor("x", dtype, shape, size, 0.5, zero_point)


def test_equal_outputs():
    board = FakeBoard()
    seen = []
    result = verify(
        begun(board),
        FakeReference(board.model),
        on="virtual",
        inputs=20,
        progress=lambda done, of: seen.append((done, of)),
    )
    flat = json.loads(json.dumps(result.as_json()))
    assert flat["model"] == {"name": "fake model", "sha256": board.model.sha256}
    assert (flat["board"], flat["on"], flat["engine"]) == ("nano33", "virtual", "fake-1/portable")
    assert flat["reference"] == "fake-reference 1.0"
    assert (flat["inputs"], flat["compared"]) == (20, 20 * 70)
    assert (flat["mismatches"], flat["max_abs_diff"], flat["first_mismatches"]) == (0, 0, [])
    assert flat["distinct_outputs"] > 15
    assert seen == [(done, 20) for done in range(1, 21)]


def test_one_wrong_bit_in_one_of_twenty_is_found():
    board = FakeBoard()
    reference = FakeReference(board.model)
    reference.spoil = lambda call: call == 13
    result = verify(begun(board), reference, on="virtual", inputs=20)
    assert (result.mismatches, result.max_abs_diff) == (1, 1)
    (mismatch,) = result.first
    assert (mismatch.input, mismatch.output, mismatch.index) == (13, 0, 0)
    assert abs(mismatch.expected - mismatch.got) == 1


def test_differences_do_not_wrap_around_and_only_the_first_are_kept():
    class Opposite(FakeReference):
        def run(self, inputs):
            return [np.where(array < 0, 127, -128).astype(np.int8) for array in super().run(inputs)]

    board = FakeBoard()
    result = verify(begun(board), Opposite(board.model), on="virtual", inputs=3)
    assert result.mismatches > 200
    assert 200 < result.max_abs_diff <= 255
    assert len(result.first) == 5


def test_several_outputs_and_floats_are_compared_by_bits():
    model = FakeModel(
        outputs=(FakeTensor("p", "uint8", (9,)), FakeTensor("r", "float32", (2,))), labels=()
    )

    class Off(FakeReference):
        def run(self, inputs):
            p, r = super().run(inputs)
            return [p, (r.view(np.uint32) ^ 1).view(np.float32)]

    result = verify(begun(FakeBoard(model=model)), FakeReference(model), on="x", inputs=4)
    assert (result.compared, result.mismatches) == (44, 0)
    result = verify(begun(FakeBoard(model=model)), Off(model), on="x", inputs=4)
    assert result.mismatches == 8
    assert result.first[0].output == 1


def test_difference_that_is_no_number_is_still_json():
    model = FakeModel(outputs=(FakeTensor("r", "float32", (2,)),), labels=())

    class NotANumber(FakeReference):
        def run(self, inputs):
            return [np.array([np.nan, np.inf], np.float32)]

    result = verify(begun(FakeBoard(model=model)), NotANumber(model), on="x", inputs=1)
    assert result.mismatches == 2
    text = json.dumps(result.as_json(), allow_nan=False)
    assert '"expected": "nan"' in text


def test_another_models_reference_is_refused():
    board = FakeBoard()
    other = FakeModel(outputs=(FakeTensor("y", "int8", (1, 3)),))
    with pytest.raises(WrongBoard, match=r"70 int8.*3 int8"):
        verify(begun(board), FakeReference(other), on="virtual", inputs=1)


def test_no_inputs_verify_nothing():
    board = FakeBoard()
    with pytest.raises(UsageError):
        verify(begun(board), FakeReference(board.model), on="virtual", inputs=0)


def test_bad_link_never_makes_a_mismatch():
    for seed in range(30):
        board = FakeBoard(faults=Faults(seed=seed, garble=0.001, drop_in=0.0005))
        try:
            result = verify(begun(board), FakeReference(board.model), on="virtual", inputs=10)
        except LinkLost:
            continue
        assert result.mismatches == 0


def test_a_model_that_remembers_is_followed_from_its_beginning():
    model = FakeModel(state_bytes=4)
    board = FakeBoard(model=model)
    session = begun(board)
    reference = FakeReference(model)
    session.load(bytes(model.input_bytes))
    session.run(3)
    reference.steps = 5
    result = verify(session, reference, on="x", inputs=10)
    assert (result.mismatches, result.distinct) == (0, 10)


def test_an_inference_that_nobody_saw_makes_no_mismatch():
    """Half of all replies are damaged somewhere: a run is asked for again, and the model moved."""
    repeated = 0
    model = FakeModel(state_bytes=4)
    for seed in range(30):
        board = FakeBoard(model=model, faults=Faults(seed=seed, garble=0.0005))
        try:
            result = verify(begun(board), FakeReference(model), on="x", inputs=4)
        except LinkLost:
            continue
        assert (result.mismatches, result.compared) == (0, 4 * 70)
        repeated += sum(command.startswith("forget") for command in board.commands) > 1
    assert repeated


def test_edges_come_first():
    inputs = [arrays[0] for arrays in make_inputs([tensor()], 7, seed=0)]
    assert (inputs[0] == -128).all()
    assert (inputs[1] == 127).all()
    assert (inputs[2] == 83).all()
    assert set(inputs[3].ravel()) == {-128, 127}
    assert inputs[4].ravel()[:3].tolist() == [-128, -127, -126]
    assert sorted(set(inputs[4].ravel())) == list(range(-128, 128))
    assert inputs[5].shape == (1, 300)


def test_random_inputs_cover_the_range_and_depend_on_the_seed_alone():
    tensors = [tensor(), tensor(shape=(2, 2))]
    first = list(make_inputs(tensors, 40, seed=4))
    again = list(make_inputs(tensors, 12, seed=4))
    other = list(make_inputs(tensors, 40, seed=5))
    for one, two in zip(first, again, strict=False):
        assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (first[20][0] != other[20][0]).any()
    assert not np.array_equal(first[20][0].ravel()[:4], first[20][1].ravel())
    values = np.concatenate([arrays[0].ravel() for arrays in first[5::2]])
    counts = np.bincount(values.astype(int) + 128, minlength=256)
    assert counts.min() > 5
    assert counts.max() < 50
    spans = {int(np.ptp(arrays[0].astype(int))) for arrays in first[6::2]}
    assert min(spans) < 16
    assert max(spans) > 100
    near = np.concatenate([arrays[0].ravel() for arrays in first[6::2]])
    assert abs(np.median(near) - 83) <= 2
    # Frozen, so that a seed means the same inputs on every machine and in every version.
    assert first[5][1].ravel().tolist() == FROZEN


FROZEN = [35, 117, 114, -50]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "float32", "bool"])
def test_inputs_of_every_type(dtype):
    one = tensor(dtype, (3, 5), 0)
    for (array,) in itertools.islice(make_inputs([one], 9, 0), 9):
        assert array.dtype == one.numpy_dtype
        assert array.shape == (3, 5)
        assert one.decode(one.encode(array)).tolist() == array.tolist()
        if dtype == "float32":
            assert np.isfinite(array).all()
            assert np.abs(array).max() <= 4
