"""The real firmware on the virtual board: what a host program sees, whatever it sends."""

from __future__ import annotations

import contextlib
import random
import re
import time

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.local import LocalDevice
from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.virtual.board import VirtualBoard
from edge_deploy.devices.virtual.device import VirtualDevice
from edge_deploy.errors import Exit, LinkLost, WrongBoard
from edge_deploy.telemetry.session import Session
from tests.devices import firmware

READY = b"m-ready\r\n"
NAME = b"m-name-dut-[edge-deploy]\r\n" + READY


@pytest.fixture
def device(nano33, home, tmp_path):
    with VirtualDevice(nano33, home=home) as made:
        made.flash(firmware.artifact(tmp_path / "firmware"))
        yield made


def with_faults(device, *words: str, **options) -> VirtualDevice:
    """The same board with faults; `device` has let go of it."""
    device.close()
    home = device.virtual.flash.folder.parent.parent
    return VirtualDevice(device.board, home=home, faults=words, **options)


def until(link, end: bytes, timeout_s: float = 20.0) -> bytes:
    """All that comes until it ends so."""
    got = b""
    deadline = time.monotonic() + timeout_s
    while not got.endswith(end):
        assert time.monotonic() < deadline, f"only {got[-200:]!r} came"
        got += link.read(0.5)
    return got


def drain(link, timeout_s: float = 0.1) -> None:
    while link.read(timeout_s):
        pass


def test_boot_lines(device):
    with device.open() as link:
        lines = until(link, READY).split(b"\r\n")
    assert lines[:2] == [b"m-timestamp-mode-performance", b"m-init-done"]
    boot = rb"ed-boot seq=0 reason=power sha256=%b\*[0-9a-f]{8}" % firmware.MODEL_SHA256.encode()
    assert re.fullmatch(boot, lines[2])


def test_socket_and_terminal_answer(device, nano33, home):
    device.close()
    with VirtualBoard(nano33, home=home) as board:
        for url in filter(None, (board.url, board.pty, board.url)):
            with contextlib.closing(SerialLink(url)) as link:
                link.write(b"%")
                until(link, READY)
                drain(link)
                link.write(b"name%")
                assert until(link, NAME) == NAME


def test_hello_says_what_is_counted(device):
    with Session(device.open()) as session:
        session.begin()
        assert session.hello().counters == ("cycles", "cycles_board", "instructions", "energy")
    device.close()
    home = device.virtual.flash.folder.parent.parent
    with (
        VirtualDevice(device.board, home=home, wait_states=False) as quick,
        Session(quick.open()) as session,
    ):
        session.begin()
        assert session.hello().counters == ("cycles", "instructions", "energy")
        session.load(bytes(firmware.INPUT_BYTES))
        assert session.run(1, 0).laps[0].counts.cycles_board is None


def test_every_run_counts_the_same_and_layers_add_up(device):
    with Session(device.open()) as session:
        session.begin()
        session.load(bytes(firmware.INPUT_BYTES))
        result = session.run(5, 1, layers=True)
    first = result.laps[0].counts
    assert first.cycles > first.instructions > 100_000
    assert first.cycles_board >= first.cycles  # zig puts no literals in flash
    for lap, layers in zip(result.laps, result.layers, strict=True):
        for name in ("cycles", "cycles_board", "instructions"):
            assert getattr(lap.counts, name) == getattr(first, name)
            assert sum(getattr(layer.counts, name) for layer in layers) == getattr(first, name)
        # 64 cycles are a microsecond.
        assert lap.us == pytest.approx(lap.counts.cycles_board / 64, abs=2)


def test_the_same_program_on_this_computer_gives_the_same_outputs(device, nano33, home, tmp_path):
    given = bytes(random.Random(1).randbytes(firmware.INPUT_BYTES))
    outputs = []
    with LocalDevice(nano33, home=home) as local:
        local.flash(firmware.artifact(tmp_path / "local", "host"))
        for each in (device, local):
            with Session(each.open()) as session:
                session.begin()
                session.load(given)
                outputs.append(session.run(1, 0).output)
    assert outputs[0] == outputs[1]
    assert any(outputs[0])


def feed(link, data: bytes) -> None:
    """Write all of it, taking what comes meanwhile so that neither side waits for the other."""
    for at in range(0, len(data), 4096):
        link.write(data[at : at + 4096])
        while link.read(0):
            pass


def answer(link, timeout_s: float = 20.0) -> bytes:
    """The end of what comes after a lone `%` and `name%`; the right answer, or a time-out."""
    link.write(b"%")
    link.write(b"name%")
    return until(link, NAME, timeout_s)[-len(NAME) :]


def test_answers_after_random_bytes_of_200_seeds(device):
    right = 0
    with device.open() as link:
        until(link, READY)
        for seed in range(200):
            chosen = random.Random(seed)
            feed(link, chosen.randbytes(chosen.randrange(1, 3000)))
            right += answer(link) == NAME
            drain(link, 0)
    assert right == 200


def test_answers_after_a_million_random_bytes(device):
    with device.open() as link:
        until(link, READY)
        feed(link, random.Random(0).randbytes(1_000_000))
        assert answer(link, timeout_s=60) == NAME


def test_wrong_firmware_is_found_out(device):
    with (
        with_faults(device, "wrong-firmware") as other,
        Session(other.open()) as session,
    ):
        session.begin()
        with pytest.raises(WrongBoard) as caught:
            session.check_model(firmware.MODEL_SHA256)
    assert caught.value.exit_code == Exit.WRONG_BOARD


@pytest.mark.parametrize("fault", ["unplug@0.2s", "brownout@0.2s", "hang@0.2s"])
def test_a_session_ends_in_bounded_time_with_each_fault(device, fault):
    began = time.monotonic()
    with with_faults(device, fault) as faulty, Session(faulty.open(), timeout_s=2) as session:
        session.begin()
        session.load(bytes(firmware.INPUT_BYTES))
        with pytest.raises(LinkLost) as caught:  # noqa: PT012
            for _ in range(1000):
                session.run(20, 0)
    assert caught.value.exit_code == Exit.LINK_LOST
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("fault", ["drop=0.0005", "garble=0.0005"])
def test_a_session_survives_a_little_noise(device, fault):
    given = bytes(firmware.INPUT_BYTES)
    with Session(device.open()) as session:
        session.begin()
        session.load(given)
        expected = session.run(1, 0)
    with with_faults(device, fault, seed=5) as faulty, Session(faulty.open()) as session:
        session.begin()
        for _ in range(5):
            session.load(given)
            result = session.run(2, 0)
            assert result.output == expected.output
            assert {lap.counts.cycles for lap in result.laps} == {expected.laps[0].counts.cycles}


def test_slow_is_slower(device):
    with with_faults(device, "slow=10") as slow, Session(slow.open()) as session:
        session.begin()
        session.load(bytes(firmware.INPUT_BYTES))
        lap = session.run(1, 0).laps[0]
    assert lap.us == pytest.approx(10 * lap.counts.cycles_board / 64, abs=20)


def test_reset_says_why(device):
    with device.open() as link:
        until(link, READY)
        link.write(b"%")
        until(link, READY)
        device.virtual.reset()
        assert b" reason=reset " in until(link, READY)
