"""The IMU's and the camera's registers, as a program on the board sees them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")
pytest.importorskip("PIL", reason="the virtual extra is not installed")

from edge_deploy import pictures
from edge_deploy.devices.virtual.camera import Camera, CameraInput
from edge_deploy.devices.virtual.imu import Imu, ImuInput, rest
from edge_deploy.devices.virtual.scene import Scene
from tests.devices.virtual.test_machine import receive, running, send_register, word_pair

IMU, CAMERA = 0x5000, 0x6000
MOVED = np.arange(1, 6 * 400 + 1, dtype=np.int16).reshape(400, 6)

# r0 serial, r1 RAM, r2 idle, r4 IMU, r5 camera
_BASES = """
    ldr r0, =0xA0002000
    mov r1, #0x20000000
    ldr r2, =0xA0003000
    ldr r4, =0xA0005000
    ldr r5, =0xA0006000
    str r1, [r0, #0x10]
"""


def send(words: int) -> str:
    """Send so many words from the begin of RAM, and end."""
    return f"mov r3, #{4 * words}\n str r3, [r0, #0x14]\n b ."


def wait(microseconds: int) -> str:
    return f"ldr r3, ={microseconds}\n str r3, [r2, #4]\n"


def imu() -> Imu:
    return Imu(ImuInput("test", "a test", 6, (MOVED,)))


def view(tmp_path, *, stay_ms: int) -> CameraInput:
    """Two pictures of 12 x 8 pixels."""
    files = []
    for number in range(2):
        files.append(tmp_path / f"{number}.png")
        pictures.write(files[-1], frame(number))
    return CameraInput("test", "a test", tuple(files), stay_ms)


def frame(number: int) -> np.ndarray:
    return (np.arange(96, dtype=np.uint8) * 2 + 50 * number).reshape(8, 12)


def said(source: str, words: int, sensors) -> list[int]:
    with running(_BASES + source + send(words), sensors=sensors) as (machine, link):
        got = receive(link, 4 * words)
        assert machine.ended is None
    return np.frombuffer(got, "<u4").tolist()


def test_all_three_are_there():
    with running(send_register(0x0000, 0x10), sensors=Scene().sensors()) as (_machine, link):
        assert word_pair(link) == 7


@pytest.mark.parametrize(
    ("page", "register", "value"),
    [(IMU, 0x04, 119), (CAMERA, 0x04, 500), (CAMERA, 0x1C, 160), (CAMERA, 0x20, 120)]
    + [(page, register, 0) for page in (IMU, CAMERA) for register in (0x08, 0x14, 0x18)],
)
def test_at_a_restart(page, register, value):
    with running(send_register(page, register), sensors=Scene().sensors()) as (_machine, link):
        assert word_pair(link) == value


@pytest.mark.parametrize(
    ("page", "register", "values"),
    [
        (IMU, 0x04, {1: 1, 4000: 4000, 0: 119, 4001: 119, 0x80000001: 119}),
        (CAMERA, 0x04, {10: 10, 60_000: 60_000, 9: 500, 60_001: 500}),
        (CAMERA, 0x1C, {8: 8, 640: 640, 7: 160, 641: 160}),
        (CAMERA, 0x20, {8: 8, 480: 480, 7: 120, 481: 120}),
    ],
)
def test_what_is_set_is_read_back_where_it_can_be_had(page, register, values):
    source = f"ldr r4, ={0xA0000000 + page:#x}\n"
    for at, value in enumerate(values):  # each from what it is at a restart
        source += f"""
    ldr r3, ={Scene().sensors()[page // 0x1000 - 4].value(register)}
    str r3, [r4, #{register}]
    ldr r3, ={value}
    str r3, [r4, #{register}]
    ldr r3, [r4, #{register}]
    str r3, [r1, #{4 * at}]
    """
    assert said(source, len(values), Scene().sensors()) == list(values.values())


def test_a_setting_waits_until_the_sensor_is_off():
    source = """
    movs r3, #1
    str r3, [r4]
    mov r6, #200
    str r6, [r4, #4]
    ldr r3, [r4, #4]
    str r3, [r1]
    movs r3, #0
    str r3, [r4]
    str r6, [r4, #4]
    ldr r3, [r4, #4]
    str r3, [r1, #4]
    """
    assert said(source, 2, Scene().sensors()) == [119, 200]


def test_motion_arrives_at_the_rate_that_was_set():
    # 1 ms less than 50 periods of 1/400 s, then 2 ms more.
    source = f"""
    mov r3, #400
    str r3, [r4, #4]
    movs r3, #1
    str r3, [r4]
    {wait(124_000)}
    ldr r3, [r4, #8]
    str r3, [r1]
    {wait(2_000)}
    ldr r3, [r4, #8]
    str r3, [r1, #4]
    add r6, r1, #16
    str r6, [r4, #0x0C]
    movs r3, #3
    str r3, [r4, #0x10]
    ldr r3, [r4, #0x14]
    str r3, [r1, #8]
    ldr r3, [r4, #8]
    str r3, [r1, #12]
    """
    found = said(source, 4 + 9, [imu()])
    assert found[:4] == [49, 50, 3, 47]
    taken = np.array(found[4:], "<u4").view("<i2").reshape(3, 6)
    assert taken.tolist() == MOVED[:3].tolist()


def test_motion_that_is_not_taken_is_lost_oldest_first():
    source = f"""
    mov r3, #100
    str r3, [r4, #4]
    movs r3, #1
    str r3, [r4]
    {wait(3_001_000)}
    ldr r3, [r4, #0x18]
    str r3, [r1]
    ldr r3, [r4, #8]
    str r3, [r1, #4]
    add r6, r1, #8
    str r6, [r4, #0x0C]
    movs r3, #1
    str r3, [r4, #0x10]
    """
    lost, waiting, *first = said(source, 5, [imu()])
    assert (lost, waiting) == (44, 256)
    assert np.array(first, "<u4").view("<i2").tolist() == MOVED[44].tolist()


def test_a_board_that_nobody_moves_feels_its_weight():
    source = f"""
    movs r3, #1
    str r3, [r4]
    {wait(20_000)}
    str r1, [r4, #0x0C]
    str r3, [r4, #0x10]
    """
    found = said(source, 6, [Imu(rest())])
    assert np.array(found, "<u4").view("<i2").reshape(2, 6).tolist() == [[0, 0, 8192, 0, 0, 0]] * 2


def take_frame(at: int) -> str:
    """Two words at `at` in RAM (taken, lost), and the frame behind them."""
    return f"""
    add r6, r1, #{at + 8}
    str r6, [r5, #0x0C]
    movs r3, #1
    str r3, [r5, #0x10]
    ldr r3, [r5, #0x14]
    str r3, [r1, #{at}]
    ldr r3, [r5, #0x18]
    str r3, [r1, #{at + 4}]
    """


LOOK = """
    movs r3, #12
    str r3, [r5, #0x1C]
    movs r3, #8
    str r3, [r5, #0x20]
    movs r3, #100
    str r3, [r5, #0x04]
    movs r3, #1
    str r3, [r5]
"""


def test_the_newest_whole_frame_is_taken_and_older_ones_are_lost(tmp_path):
    # Pictures change at 200 ms. Frame k is whole at (k + 1) x 100 ms.
    source = (
        LOOK
        + wait(99_000)
        + "ldr r3, [r5, #8]\n str r3, [r1]\n"
        + wait(2_000)
        + "ldr r3, [r5, #8]\n str r3, [r1, #4]\n"
        + take_frame(8)
        + "ldr r3, [r5, #8]\n str r3, [r1, #112]\n"
        + wait(300_000)  # 401 ms: frame 3, of the second picture; 1 and 2 are lost
        + take_frame(120)
        + take_frame(224)  # nothing new: nothing is copied
    )
    with running(
        _BASES + "movs r3, #7\n str r3, [r1, #232]\n" + source + send(60),
        sensors=[Camera(view(tmp_path, stay_ms=200))],
    ) as (_machine, link):
        got = receive(link, 240)
    words = np.frombuffer(got, "<u4")
    assert words[:4].tolist() == [0, 1, 1, 0]
    assert np.frombuffer(got[16:112], np.uint8).tolist() == frame(0).reshape(-1).tolist()
    assert words[28] == 0  # none waits once it was taken
    assert words[30:32].tolist() == [1, 2]
    assert np.frombuffer(got[128:224], np.uint8).tolist() == frame(1).reshape(-1).tolist()
    assert words[56:59].tolist() == [0, 2, 7]


def test_a_picture_that_is_gone_ends_the_board_with_its_line(tmp_path):
    given = view(tmp_path, stay_ms=200)
    given.files[0].unlink()
    source = _BASES + LOOK + wait(101_000) + take_frame(8) + "b ."
    with running(source, sensors=[Camera(given)]) as (machine, _link):
        assert machine.wait_for_end(5)
        assert "0.png is not there, pc 0x" in machine.ended


@pytest.mark.parametrize("page", [IMU, CAMERA])
def test_a_restart_switches_it_off_and_forgets_its_settings(page):
    # Sent: the setting, how many wait; then again after a restart.
    source = f"""
    ldr r4, ={0xA0000000 + page:#x}
    ldr r5, =0xA0000000
    ldr r6, [r5, #8]
    cbnz r6, 1f
    mov r3, #250
    str r3, [r4, #4]
    movs r3, #1
    str r3, [r4]
    {wait(300_000)}
1:  ldr r3, [r4, #4]
    str r3, [r1]
    ldr r3, [r4, #8]
    str r3, [r1, #4]
    movs r3, #8
    str r3, [r0, #0x14]
    cbnz r6, 1f
    ldr r3, =0x54455352
    str r3, [r5, #0x0C]
1:  b .
    """
    with running(_BASES + source, sensors=Scene().sensors()) as (_machine, link):
        got = np.frombuffer(receive(link, 16), "<u4").tolist()
    waiting, at_restart = {IMU: (75, 119), CAMERA: (1, 500)}[page]
    assert got == [250, waiting, at_restart, 0]


@pytest.mark.parametrize(
    ("page", "source"),
    [(IMU, "ldr r1, [r0, #0x1C]"), (IMU, "str r0, [r0, #0x20]"), (CAMERA, "ldr r1, [r0, #0x24]")]
    + [
        (page, source)
        for page in (IMU, CAMERA)
        for source in ("ldr r1, [r0]", "ldr r1, [r0, #16]", "str r0, [r0, #8]", "ldrh r1, [r0, #8]")
    ],
)  # fmt: skip
def test_registers_that_are_not_there_stop_the_board(page, source):
    address = 0xA0000000 + page
    code = f"ldr r0, ={address:#x}\n {source}\n b ."
    with running(code, sensors=Scene().sensors()) as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault.address & 0xFFFFF000 == address


@pytest.mark.parametrize("source", ["ldr r1, [r0, #4]", "str r0, [r0]"])
@pytest.mark.parametrize("page", [IMU, CAMERA])
def test_a_board_without_the_sensor_has_none_of_them(page, source):
    with running(f"ldr r0, ={0xA0000000 + page:#x}\n {source}\n b .") as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault is not None


def test_nothing_is_behind_the_sensors():
    source = "ldr r0, =0xA0007000\n ldr r0, [r0]\n b ."
    with running(source, sensors=Scene().sensors()) as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault.address == 0xA0007000
