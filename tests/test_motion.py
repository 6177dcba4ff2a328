"""CSV files of motion: what is read, what is refused with its line, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from edge_deploy import motion
from edge_deploy.errors import BadInput, Exit


def write(folder, text, name="x.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_units_are_those_of_the_sensors():
    assert motion.units(6).tolist() == [8192.0, 8192.0, 8192.0, 16.384, 16.384, 16.384]
    assert motion.units(3).tolist() == [8192.0] * 3


@pytest.mark.parametrize(
    "head", ["", "aX,aY,aZ,gX,gY,gZ\n", "\ufeffaX,aY,aZ,gX,gY,gZ\r\n", "#x\n\n"]
)
def test_rows_are_samples(tmp_path, head):
    path = write(tmp_path, head + "1,-0.5,0.0001,2000,-2000,0\n\n# a word\n 4 ,-4,0,0,0,1e0\n")
    expected = [[8192, -4096, 1, 32767, -32768, 0], [32767, -32768, 0, 0, 0, 16]]
    assert motion.read(path, 6).tolist() == expected
    assert motion.read(path, 3).tolist() == [row[:3] for row in expected]
    assert motion.read(path, 6).dtype == np.int16
    assert motion.read(path, None).tolist() == expected
    assert motion.read(write(tmp_path, head.replace(",gX,gY,gZ", "") + "1,2,3\n"), None).shape == (
        1,
        3,
    )


@pytest.mark.parametrize(
    ("text", "axes", "complaint"),
    [
        ("", 3, "holds no samples"),
        ("aX,aY,aZ\n", 3, "holds no samples"),
        ("1,2\n", 3, "line 1: expected 3 or 6 numbers (aX, aY, aZ), found 2"),
        ("1,2,3\n", 6, "line 1: expected 6 numbers (aX, aY, aZ, gX, gY, gZ), found 3"),
        ("1,2,3,4\n", None, "line 1: expected 3 or 6 numbers (aX, aY, aZ, gX, gY, gZ), found 4"),
        ("1,2,3\n1,2\n", 3, "line 2: expected 3 numbers"),
        ("1,2,3\n1,2,3,4,5,6\n", 3, "line 2: expected 3 numbers"),
        ("aX,aY,aZ\n1,2,3,4,5,6\n", 3, "line 2: expected 3 numbers"),
        ("1,2,3\n1,two,3\n", 3, "line 2: 'two' is not a number"),
        ("1,nan,3\n", 3, "line 1: 'nan' is not a number"),
        ("1,inf,3\n", 3, "line 1: 'inf' is not a number"),
        ("1,,3\n", 3, "line 1: '' is not a number"),
        ("1,2,3\n1,2,4.1\n", 3, "sample 2 has 4.1 g as aZ; the sensor measures up to 4"),
        ("0,0,0,0,-2001,0\n", 6, "sample 1 has -2001 degrees a second as gY"),
        (b"\xff\xfe\x00", 3, "is not text"),
    ],
)
def test_what_is_no_motion_is_refused_in_one_line(tmp_path, text, axes, complaint):
    path = write(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        motion.read(path, axes)
    assert complaint in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.exit_code is Exit.BAD_INPUT


def test_a_file_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        motion.read(tmp_path / "no.csv", 3)
    with pytest.raises(BadInput, match="cannot be read"):
        motion.read(tmp_path, 3)


@given(st.sampled_from([3, 6]).flatmap(lambda axes: drawn.arrays(np.int16, (7, axes))))
def test_what_is_written_is_read_again(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("motion") / "x.csv"
    motion.write(path, samples)
    assert np.array_equal(motion.read(path, samples.shape[1]), samples)


@given(st.binary(max_size=200))
def test_any_bytes_are_samples_or_one_line(tmp_path_factory, data):
    path = write(tmp_path_factory.mktemp("motion"), data)
    try:
        assert motion.read(path, 3).shape[1] == 3
    except BadInput as error:
        assert "\n" not in error.message
