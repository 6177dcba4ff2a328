"""The microphone's registers, as a program on the board sees them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.virtual.board import VirtualBoard
from edge_deploy.devices.virtual.device import VirtualDevice
from edge_deploy.devices.virtual.microphone import Microphone, MicrophoneInput, Recording
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import NoBoard
from tests.devices import built
from tests.devices.virtual import thumb
from tests.devices.virtual.test_machine import receive, running, send_register, word_pair

CYCLES_PER_SAMPLE = 64_000_000 // 16_000
RAMP = np.arange(1, 32_001, dtype=np.int16)

# r0 serial, r1 RAM, r2 idle, r4 microphone, r7 counters
_BASES = """
    ldr r0, =0xA0002000
    mov r1, #0x20000000
    ldr r2, =0xA0003000
    ldr r4, =0xA0004000
    ldr r7, =0xA0001000
    str r1, [r0, #0x10]
    movs r3, #1
"""
_SEND_8 = "movs r3, #8\n str r3, [r0, #0x14]\n"

# 50 times: wait for 20 ms, take what is there, send it.
STREAM = (
    _BASES
    + """
    add r5, r1, #0x100
    str r5, [r0, #0x10]
    str r5, [r4, #0x0C]
    str r3, [r4]
    movs r6, #50
    ldr r5, =20000
1:  str r5, [r2, #4]
    mov r3, #4096
    str r3, [r4, #0x10]
    ldr r3, [r4, #0x14]
    lsls r3, r3, #1
    str r3, [r0, #0x14]
    subs r6, #1
    bne 1b
    b .
"""
)


def ramp() -> Recording:
    return Recording(RAMP)


def ears() -> list[Microphone]:
    return [Microphone(ramp())]


def test_registers():
    with running(send_register(0x0000, 0x10), sensors=ears()) as (_machine, link):
        assert word_pair(link) == 1
    with running(send_register(0x0000, 0x10)) as (_machine, link):
        assert word_pair(link) == 0
    with running(send_register(0x4000, 0x04), sensors=ears()) as (_machine, link):
        assert word_pair(link) == 16_000
    for register in (0x08, 0x14, 0x18):  # never started: nothing there
        with running(send_register(0x4000, register), sensors=ears()) as (
            _machine,
            link,
        ):
            assert word_pair(link) == 0


@pytest.mark.parametrize("slow", [1, 4])
@pytest.mark.parametrize("samples", [1, 3])
def test_samples_come_at_their_cycle(samples, slow):
    # Loops of 4 cycles a turn between the start and the look, one turn longer each time; start
    # and look each have the clock of their own block, which the latch in the same block tells.
    turns = samples * CYCLES_PER_SAMPLE // slow // 4 - 12
    source = (
        _BASES
        + f"""
    ldr r8, ={turns}
    mov r9, #24
    mov r10, r1
    movs r3, #8
    b 1f
1:  mov r5, r8
    movs r6, #1
    str r6, [r4]
    str r6, [r7]
    ldr r6, [r7, #0x10]
    b 2f
2:  subs r5, #1
    bne 2b
    ldr r11, [r4, #0x08]
    str r5, [r7]
    ldr r12, [r7, #0x10]
    sub r12, r12, r6
    str r12, [r1]
    str r11, [r1, #4]
    str r3, [r0, #0x14]
    add r8, r8, #1
    subs r9, r9, #1
    bne 1b
    b .
    """
    )
    faults = () if slow == 1 else (f"slow={slow}",)
    with running(source, sensors=ears(), faults=faults) as (_machine, link):
        found = np.frombuffer(receive(link, 24 * 8), "<u4").reshape(-1, 2)
    assert len(found) == 24
    cycles, available = found[:, 0].astype(int), found[:, 1].astype(int)
    assert set(np.diff(cycles)) == {4}
    period = CYCLES_PER_SAMPLE // slow
    assert available.tolist() == (cycles // period).tolist()
    assert samples * period in cycles  # to the cycle: this one has it, the one before has not
    assert set(available) == {samples - 1, samples}


@pytest.mark.parametrize(
    "options", [{}, {"slice_cycles": 997}, {"slice_cycles": 1}, {"speed": "real"}], ids=str
)
def test_a_stream_arrives_as_it_was_whatever_the_pace(options):
    with running(STREAM, sensors=ears(), **options) as (machine, link):
        got = np.frombuffer(receive(link, 2 * 16_000), "<i2")
    assert got.tolist() == RAMP[: len(got)].tolist()
    assert len(got) == 16_000  # 50 x 20 ms, and a few microseconds of instructions
    assert machine.ended is None


def test_what_is_not_taken_is_lost_and_counted():
    source = (
        _BASES
        + """
    str r3, [r4]
    ldr r3, =999990
    str r3, [r2, #4]
    ldr r3, [r4, #0x18]
    str r3, [r1]
    ldr r3, [r4, #0x08]
    str r3, [r1, #4]
    add r5, r1, #8
    str r5, [r4, #0x0C]
    movs r3, #4
    str r3, [r4, #0x10]
    ldr r3, [r4, #0x14]
    str r3, [r1, #16]
    ldr r3, [r4, #0x08]
    str r3, [r1, #20]
    movs r3, #24
    str r3, [r0, #0x14]
    b .
    """
    )
    with running(source, sensors=ears()) as (_machine, link):
        got = receive(link, 24)
    lost, available, first, _, taken, left = np.frombuffer(got, "<u4").tolist()
    assert (lost, available, taken, left) == (15_999 - 4096, 4096, 4, 4092)
    assert first & 0xFFFF == RAMP[lost]
    assert np.frombuffer(got[8:16], "<i2").tolist() == RAMP[lost : lost + 4].tolist()


def test_a_stop_ends_it():
    source = (
        _BASES
        + """
    str r3, [r4]
    ldr r5, =1010
    str r5, [r2, #4]
    movs r3, #0
    str r3, [r4]
    str r5, [r2, #4]
    ldr r3, [r4, #0x08]
    str r3, [r1]
    """
        + _SEND_8
        + "b ."
    )
    with running(source, sensors=ears()) as (_machine, link):
        assert word_pair(link) & 0xFFFFFFFF == 16


@pytest.mark.parametrize("then", ["reset", "brownout"])
def test_a_restart_switches_it_off_and_forgets(then):
    # On, 10 ms, and the number of samples, if this is not a restart; else the number alone.
    reset = "ldr r5, =0xA0000000\n ldr r3, =0x54455352\n str r3, [r5, #0x0C]\n"
    source = (
        _BASES
        + f"""
    ldr r5, =0xA0000000
    ldr r6, [r5, #8]
    cbnz r6, 1f
    str r3, [r4]
    ldr r3, =10000
    str r3, [r2, #4]
1:  ldr r3, [r4, #0x08]
    str r3, [r1]
    {_SEND_8}
    cbnz r6, 1f
    {reset if then == "reset" else ""}
1:  b .
    """
    )
    faults = ["brownout@0.2s"] if then == "brownout" else []
    with running(source, sensors=ears(), faults=faults) as (_machine, link):
        # Both at once: how many bytes one read gives is the socket's business.
        first, second = np.frombuffer(receive(link, 16), "<u8").tolist()
        assert (first & 0xFFFFFFFF, second & 0xFFFFFFFF) == (160, 0)


@pytest.mark.parametrize(
    "source",
    [
        "ldr r1, [r0]", "ldr r1, [r0, #0x0C]", "ldr r1, [r0, #0x10]", "ldr r1, [r0, #0x1C]",
        "str r0, [r0, #0x04]", "str r0, [r0, #0x08]", "str r0, [r0, #0x14]", "str r0, [r0, #0x18]",
        "str r0, [r0, #0x1C]", "ldrh r1, [r0, #8]",
    ],
)  # fmt: skip
def test_registers_that_are_not_there_stop_the_board(source):
    with running(f"ldr r0, =0xA0004000\n {source}\n b .", sensors=ears()) as (
        machine,
        _link,
    ):
        assert machine.wait_for_end(5)
        assert machine.fault.address & 0xFFFFF000 == 0xA0004000


@pytest.mark.parametrize("source", ["ldr r1, [r0, #4]", "str r0, [r0]"])
def test_a_board_without_a_microphone_has_none_of_them(source):
    with running(f"ldr r0, =0xA0004000\n {source}\n b .") as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault is not None


def test_taking_into_flash_stops_the_board():
    source = STREAM.replace("add r5, r1, #0x100", "ldr r5, =0x10000")
    with running(source, sensors=ears()) as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault.address == 0x10000


class Gone(Recording):
    """A microphone that was pulled out."""

    def start(self) -> None:
        raise NoBoard("This computer has no microphone.")


def test_a_microphone_that_is_gone_ends_the_board_with_its_line():
    with running(STREAM, sensors=[Microphone(Gone(RAMP))]) as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.ended.startswith("This computer has no microphone, pc 0x")


def test_a_timed_fault_happens_while_it_listens():
    with running(STREAM.replace("#50", "#250"), sensors=ears(), faults=["unplug@0.5s"]) as (
        machine,
        link,
    ):
        assert machine.wait_for_end(5)
        assert "unplug" in machine.ended
        got = np.frombuffer(receive(link, 2 * 320 * 24), "<i2")
        assert 320 * 24 <= len(got) <= 320 * 25
        assert got.tolist() == RAMP[: len(got)].tolist()


# -- boards and devices ------------------------------------------------------------------------


def test_a_virtual_board_hears_silence_unless_told(nano33, home):
    with VirtualDevice(nano33, home=home) as device:
        device.virtual.flash_image(thumb.application(STREAM))
        with device.open() as link:
            assert receive(link, 2 * 16_000) == bytes(2 * 16_000)


def test_a_device_plays_what_it_was_given_each_time_it_is_powered(nano33, home, tmp_path):
    given = MicrophoneInput("ramp", "a ramp", 2.0, ramp)
    artifact = built.artifact(tmp_path / "stream", thumb.application(STREAM))
    for _ in range(2):
        with VirtualDevice(nano33, home=home, scene=Scene(microphone=given)) as device:
            device.flash(artifact)
            with device.open() as link:
                got = np.frombuffer(receive(link, 2 * 16_000), "<i2")
        assert got.tolist() == RAMP[:16_000].tolist()


def test_live_sound_makes_the_board_run_at_real_speed(nano33, home):
    live = MicrophoneInput("laptop", "a laptop", None, ramp, live=True)
    assert VirtualBoard(nano33, home=home, scene=Scene(microphone=live)).speed == "real"
    assert VirtualBoard(nano33, home=home).speed == "max"
