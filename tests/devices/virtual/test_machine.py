"""A running machine: serial, time, waits, resets, faults and its end."""

from __future__ import annotations

import contextlib
import time

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.virtual.faults import parse
from edge_deploy.devices.virtual.machine import Hardware, Machine
from edge_deploy.devices.virtual.power import PowerModel
from edge_deploy.errors import LinkLost, UsageError
from tests.devices.virtual import thumb

CLOCK_HZ = 64_000_000
HARDWARE = Hardware(
    name="test",
    clock_hz=CLOCK_HZ,
    flash_bytes=thumb.FLASH_BYTES,
    ram_bytes=thumb.RAM_BYTES,
    flash_wait_states=2,
    power=PowerModel(active_ua=3000, idle_ua=6, supply_mv=3000),
)

# Sends the 8 bytes at 0x20000000 and stops in an endless loop.
SEND_8 = """
    ldr r0, =0xA0002000
    mov r1, #0x20000000
    str r1, [r0, #0x10]
    movs r1, #8
    str r1, [r0, #0x14]
    b .
"""


def send_register(page: int, register: int, *, before: str = "", after: str = "b .") -> str:
    """Latch, read the register pair at page + register, and send its 8 bytes."""
    return f"""
    {before}
    ldr r2, =0xA0001000
    str r2, [r2]
    ldr r2, ={0xA0000000 + page:#x}
    mov r1, #0x20000000
    ldr r3, [r2, #{register}]
    str r3, [r1]
    {f"ldr r3, [r2, #{register + 4}]" if page == 0x1000 and register >= 8 else "movs r3, #0"}
    str r3, [r1, #4]
    ldr r0, =0xA0002000
    str r1, [r0, #0x10]
    movs r1, #8
    str r1, [r0, #0x14]
    {after}
    """


@contextlib.contextmanager
def running(source: str, **options):
    """A machine with a host that was there before its power."""
    hardware = options.pop("hardware", HARDWARE)
    options["faults"] = parse(options.pop("faults", ()))
    machine = Machine(hardware, thumb.flash(source), **options)
    link = SerialLink(machine.serial.url)
    assert machine.serial.wait_for_host(5)
    machine.start()
    try:
        yield machine, link
    finally:
        link.close()
        began = time.monotonic()
        machine.stop()
        assert time.monotonic() - began < 2, "the board was slow to stop"
        assert not machine.running


def receive(link, size: int, timeout_s: float = 5.0) -> bytes:
    got = b""
    deadline = time.monotonic() + timeout_s
    while len(got) < size and time.monotonic() < deadline:
        got += link.read(0.1)
    return got


def word_pair(link) -> int:
    got = receive(link, 8)
    assert len(got) == 8
    return int.from_bytes(got, "little")


def test_echo():
    with running(thumb.ECHO) as (_machine, link):
        for text in (b"a", b"hello", bytes(range(256))):
            link.write(text)
            assert receive(link, len(text)) == text


def test_two_hundred_thousand_bytes_come_back_as_they_went():
    # More than the receive buffer and the socket's buffers hold: both sides must flow.
    sent = bytes(i * 7 % 251 for i in range(200_000))
    with running(thumb.ECHO) as (_machine, link):
        got = b""
        at = 0
        while at < len(sent):
            link.write(sent[at : at + 20_000])
            at += 20_000
            got += receive(link, at - len(got))
        assert got == sent


def test_flow_control_holds_what_the_board_does_not_take():
    # The board never reads. 65,536 bytes wait in its buffer, the rest in the sockets.
    with running("b .") as (machine, link):
        link.write(bytes(100_000))
        deadline = time.monotonic() + 5
        while machine.serial.waiting() < 65_536 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert machine.serial.waiting() == 65_536


@pytest.mark.parametrize("source", ["b .", "1: nop\n b 1b", thumb.ECHO])
def test_stops_at_once_whatever_runs(source):
    with running(source):
        time.sleep(0.05)  # `running` checks how long the stop takes


def test_stops_while_the_host_does_not_read():
    source = """
    ldr r0, =0xA0002000
    mov r1, #0x20000000
    str r1, [r0, #0x10]
    mov r1, #0x20000
1:  str r1, [r0, #0x14]
    b 1b
    """
    with running(source):
        time.sleep(0.3)


def test_registers_of_the_system():
    with running(send_register(0x0000, 0x00)) as (_machine, link):
        assert word_pair(link) == 0x31564445
    with running(send_register(0x0000, 0x04)) as (_machine, link):
        assert word_pair(link) == CLOCK_HZ
    with running(send_register(0x0000, 0x08)) as (_machine, link):
        assert word_pair(link) == 0


def test_counters_can_be_read_by_the_program():
    # Three loops of 1000 turns: 1 + 2000 + 1998 cycles, 2001 instructions.
    loop = "movw r0, #1000\n 1: subs r0, #1\n bne 1b"
    wide = {0x08: "cycles", 0x10: "cycles_board", 0x18: "instructions"}
    for register, name in wide.items():
        with running(send_register(0x1000, register, before=loop)) as (machine, link):
            seen = word_pair(link)
            snapshot = getattr(machine.snapshot(), name)
            assert 2001 <= seen <= 4100
            assert snapshot >= seen


def test_says_what_it_counts():
    with running(send_register(0x1000, 0x04)) as (_machine, link):
        assert word_pair(link) == 0b1111
    bare = Hardware("bare", CLOCK_HZ, thumb.FLASH_BYTES, thumb.RAM_BYTES, None, None)
    with running(send_register(0x1000, 0x04), hardware=bare) as (machine, link):
        assert word_pair(link) == 0b0101
        assert machine.snapshot().cycles_board is None
        assert machine.snapshot().energy_nj is None


WAIT_TIMED_10_S = """
    ldr r2, =0xA0003000
    ldr r3, =10000000
    str r3, [r2, #4]
"""


def test_a_timed_wait_costs_no_wall_time_at_full_speed():
    began = time.monotonic()
    source = send_register(0x1000, 0x20, before=WAIT_TIMED_10_S)
    with running(source) as (machine, link):
        time_us = word_pair(link)
        assert 10_000_000 <= time_us < 10_000_100
        assert machine.snapshot().time_us >= time_us
    assert time.monotonic() - began < 5


def test_energy_is_time_times_current():
    with running(send_register(0x1000, 0x28, before=WAIT_TIMED_10_S)) as (_machine, link):
        idle_nj = 10 * 6e-6 * 3.0 * 1e9
        # and a microsecond or so of 9 mW
        assert idle_nj <= word_pair(link) <= idle_nj + 50


def test_an_untimed_wait_follows_the_wall_clock():
    source = send_register(
        0x1000, 0x20, before="ldr r2, =0xA0003000\n ldr r3, =200000\n str r3, [r2]"
    )
    began = time.monotonic()
    with running(source) as (_machine, link):
        assert 200_000 <= word_pair(link) < 200_100
    assert time.monotonic() - began >= 0.2


def test_a_byte_ends_a_wait():
    source = send_register(0x1000, 0x20, before="ldr r2, =0xA0003000\n mvn r3, #0\n str r3, [r2]")
    with running(source) as (_machine, link):
        time.sleep(0.1)
        link.write(b"x")
        assert 50_000 < word_pair(link) < 5_000_000


def test_a_waiting_byte_takes_a_timed_wait_no_time():
    source = send_register(
        0x1000, 0x20, before=f"ldr r2, =0xA0003000\n mvn r3, #0\n str r3, [r2]\n {WAIT_TIMED_10_S}"
    )
    with running(source) as (_machine, link):
        link.write(b"x")
        assert word_pair(link) < 5_000_000


def test_real_speed_is_paced():
    # 0.5 s of board time in a loop: 64 MHz * 0.5 / (1 + 1 + 2) turns
    source = send_register(0x1000, 0x20, before="ldr r0, =8000000\n 1: subs r0, #1\n bne 1b")
    began = time.monotonic()
    with running(source, speed="real") as (_machine, link):
        assert 499_000 <= word_pair(link) < 501_000
        assert 0.45 < time.monotonic() - began < 3


@pytest.mark.parametrize(("speed", "slice_cycles"), [("max", 997), ("real", 4_000_000)])
def test_counts_do_not_depend_on_slices_or_pacing(speed, slice_cycles):
    source = send_register(0x1000, 0x08, before="ldr r0, =200000\n 1: subs r0, #1\n bne 1b")
    with running(source) as (_machine, link):
        expected = word_pair(link)
    with running(source, speed=speed, slice_cycles=slice_cycles) as (_machine, link):
        assert word_pair(link) == expected


def test_slow_makes_time_slower_and_nothing_else():
    loop = "ldr r0, =200000\n 1: subs r0, #1\n bne 1b"
    found = {}
    for register in (0x08, 0x20):
        for words in ((), ("slow=4",)):
            source = send_register(0x1000, register, before=loop)
            with running(source, faults=words) as (_machine, link):
                found[register, words] = word_pair(link)
    assert found[0x08, ()] == found[0x08, ("slow=4",)]
    assert found[0x20, ("slow=4",)] == pytest.approx(4 * found[0x20, ()], abs=4)
    with running(send_register(0x0000, 0x04), faults=["slow=4"]) as (_machine, link):
        assert word_pair(link) == CLOCK_HZ


# Sends the reset reason and the word at 0x20000100, then marks that word and waits for a byte.
RESET_REPORT = """
    mov r1, #0x20000000
    ldr r2, =0xA0000000
    ldr r3, [r2, #8]
    str r3, [r1]
    ldr r3, [r1, #0x100]
    str r3, [r1, #4]
    ldr r0, =0xA0002000
    str r1, [r0, #0x10]
    movs r3, #8
    str r3, [r0, #0x14]
    ldr r3, =0x12345678
    str r3, [r1, #0x100]
    add r3, r1, #0x200
    str r3, [r0, #0x04]
    ldr r2, =0xA0003000
    mvn r3, #0
    str r3, [r2]
    {then}
"""
RESET_REGISTER = "ldr r2, =0xA0000000\n ldr r3, =0x54455352\n str r3, [r2, #0x0C]\n b ."
TAKE_BYTE = "movs r3, #1\n str r3, [r0, #8]\n"


def report(link) -> tuple[int, int]:
    value = word_pair(link)
    return value & 0xFFFFFFFF, value >> 32


def test_reset_by_the_program_keeps_ram_and_counters():
    with running(RESET_REPORT.format(then=TAKE_BYTE + RESET_REGISTER)) as (machine, link):
        assert report(link)[0] == 0
        before = machine.snapshot()
        link.write(b"x")
        assert report(link) == (1, 0x12345678)
        assert machine.snapshot().cycles > before.cycles
        link.write(b"x")
        assert report(link) == (1, 0x12345678)


def test_another_word_in_the_reset_register_does_nothing():
    then = TAKE_BYTE + RESET_REGISTER.replace("0x54455352", "0x54455353")
    with running(RESET_REPORT.format(then=then)) as (machine, link):
        report(link)
        link.write(b"x")
        assert link.read(0.2) == b""
        assert machine.reset_reason == 0


@pytest.mark.parametrize("then", ["b .", "1: ldr r3, [r2]\n mvn r3, #0\n str r3, [r2]\n b 1b"])
def test_the_reset_button_works_whatever_runs(then):
    with running(RESET_REPORT.format(then=then.replace("ldr r3, [r2]\n", ""))) as (machine, link):
        assert report(link)[0] == 0
        for _ in range(3):
            machine.reset()
            assert report(link) == (1, 0x12345678)


def test_brownout_loses_ram_and_says_so():
    with running(RESET_REPORT.format(then="b ."), faults=["brownout@0.2s"]) as (machine, link):
        reason, at_power_on = report(link)
        assert reason == 0
        assert report(link) == (2, at_power_on)
        assert [each.kind for each in machine.happened] == ["brownout"]


def test_ram_at_power_on_depends_on_the_seed_alone():
    seen = {}
    for seed in (1, 1, 2):
        with running(SEND_8, seed=seed) as (_machine, link):
            seen.setdefault(seed, set()).add(receive(link, 8))
    assert len(seen[1]) == 1
    assert seen[1] != seen[2]


def test_hang_says_nothing_and_keeps_the_port_open():
    with running(thumb.ECHO, faults=["hang@0.2s"]) as (machine, link):
        link.write(b"a")
        assert receive(link, 1) == b"a"
        time.sleep(0.4)
        link.write(b"b")
        assert link.read(0.3) == b""
        assert machine.running


def test_a_hang_comes_in_the_middle_of_work_too():
    with running("b .", faults=["hang@1s"]) as (machine, _link):
        deadline = time.monotonic() + 20
        while not machine.happened and time.monotonic() < deadline:
            time.sleep(0.01)
        # Seen at its time, to the block.
        assert 1_000_000 <= machine.snapshot().time_us <= 1_000_010


def test_unplug_ends_the_link():
    with running(thumb.ECHO, faults=["unplug@0.2s"]) as (machine, link):
        with pytest.raises(LinkLost):  # noqa: PT012 (the read may be the one that sees it)
            for _ in range(50):
                link.read(0.1)
        assert machine.wait_for_end(5)
        assert "unplug" in machine.ended


def test_a_fault_ends_the_board_and_names_it():
    with running("ldr r0, =0x30000004\n nop\n ldr r1, [r0]\n b .") as (machine, link):
        assert machine.wait_for_end(5)
        assert machine.fault.address == 0x30000004
        assert "0x30000004" in machine.ended
        assert f"{thumb.ENTRY + 4:#010x}" in machine.ended
        with pytest.raises(LinkLost):  # noqa: PT012
            link.read(1)
            link.read(1)


def test_what_was_sent_before_the_end_arrives():
    source = SEND_8.replace("b .", "udf #1")
    with running(source) as (machine, link):
        assert machine.wait_for_end(5)
        assert len(receive(link, 8)) == 8


def test_panic_gives_its_code():
    source = "ldr r0, =0xA0000000\n movs r1, #42\n str r1, [r0, #0x14]\n b ."
    with running(source) as (machine, _link):
        assert machine.wait_for_end(5)
        assert "0x2a" in machine.ended
        assert "PANIC" in machine.ended


@pytest.mark.parametrize(
    "source",
    [
        "ldr r0, =0xA0000020\n str r0, [r0]\n b .",
        "ldr r0, =0xA0001030\n ldr r0, [r0]\n b .",
        "ldr r0, =0xA0002004\n ldr r0, [r0]\n b .",
        "ldr r0, =0xA0003008\n str r0, [r0]\n b .",
        "ldr r0, =0xA0005000\n ldr r0, [r0]\n b .",
        # told to send what is not there, to receive where nothing can be
        "ldr r0, =0xA0002000\n ldr r1, =0x30000004\n str r1, [r0, #16]\n str r1, [r0, #20]\n b .",
    ],
)
def test_registers_that_are_not_there_stop_the_board(source):
    with running(source) as (machine, _link):
        assert machine.wait_for_end(5)
        assert machine.fault is not None


def test_receiving_into_flash_stops_the_board():
    source = thumb.ECHO.replace("0x20000000", "0x00010000")
    with running(source) as (machine, link):
        link.write(b"x")
        assert machine.wait_for_end(5)
        assert machine.fault.address == 0x10000


def test_speed_must_be_known():
    with pytest.raises(UsageError, match="speed"):
        Machine(HARDWARE, thumb.flash("b ."), speed="fast")


def test_drop_and_garble_are_repeatable_and_as_frequent_as_asked():
    sent = bytes(20_000)
    arrived = []
    for _ in range(2):
        with running(thumb.ECHO, faults=["drop=0.05", "garble=0.02"], seed=3) as (_machine, link):
            got = b""
            for at in range(0, len(sent), 2000):
                link.write(sent[at : at + 2000])
            while data := link.read(0.5):
                got += data
            arrived.append(got)
    assert arrived[0] == arrived[1]
    # Lost on the way there and on the way back.
    assert len(arrived[0]) == pytest.approx(20_000 * 0.95**2, rel=0.02)
    changed = sum(byte != 0 for byte in arrived[0])
    assert changed == pytest.approx(len(arrived[0]) * 0.04, rel=0.3)
