"""`flash`, `record` and `selftest` on a Nano 33 BLE that only looks real (stand_ins.py)."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")

from edge_deploy.bench import asked
from edge_deploy.devices import nano33
from edge_deploy.errors import Exit
from tests.cli.test_spine import document, typed
from tests.devices import fake_nano

BOARD = ("--board", "nano33")


def plug_flashed(bus, capfd):
    """A board that answers: one that is silent is given ten seconds."""
    board = bus.plug()
    code, _, err = typed(capfd, "flash", *BOARD, "hello", "--no-run")
    assert code == Exit.DONE, err
    board.modes.clear()
    return board


def test_two_boards_and_none(bus, capfd):
    code, _, err = typed(capfd, "flash", *BOARD, "hello", "--no-run")
    assert code == Exit.NO_BOARD
    assert "--on virtual" in err
    one, other = bus.plug("ttyACM0", "A1"), bus.plug("ttyACM1", "B2")
    code, _, err = typed(capfd, "flash", *BOARD, "hello", "--no-run")
    assert code == Exit.USAGE
    assert "--on usb:A1" in err
    code, _, err = typed(capfd, "flash", *BOARD, "--on", "usb:B2", "hello", "--no-run")
    assert code == Exit.DONE, err
    assert one.image is None
    assert other.image is not None


def test_a_board_that_runs_another_model_than_it_should(bus, capfd, monkeypatch):
    """What was written is not what answers: hello's sha256 tells."""
    board = bus.plug()
    assert typed(capfd, "flash", *BOARD, "hello", "--no-run")[0] == Exit.DONE
    kept = board.image
    monkeypatch.setattr(nano33, "flash", lambda board_facts, port, image, say: port)
    code, _, err = typed(capfd, "flash", *BOARD, "kws", "--no-run")
    assert code == Exit.WRONG_BOARD
    assert "runs another model" in err
    assert board.image == kept


def test_it_records_after_it_got_the_recorder_once(bus, capfd, tmp_path, monkeypatch):
    sound = np.random.default_rng(3).integers(-3_000, 3_000, 60 * 16_000, np.int16)
    (tmp_path / "sound").write_bytes(sound.tobytes())
    monkeypatch.setenv("ED_FAKE_SOUND", str(tmp_path / "sound"))
    board = plug_flashed(bus, capfd)
    words = ("record", *BOARD, "--sensor", "mic", "--label", "yes", "--no-person", "--count", "2")
    folder = ("--data", str(tmp_path / "mine"))
    code, _, err = typed(capfd, *words, *folder)
    assert code == Exit.DONE, err
    assert "PlatformIO builds a recorder for nano33" in err
    assert len(list((tmp_path / "mine" / "yes").glob("*.wav"))) == 2
    flashed = [fake_nano.BOOTLOADER, fake_nano.APPLICATION]
    assert board.modes == flashed
    code, _, err = typed(capfd, *words, *folder)
    assert code == Exit.DONE, err
    assert "PlatformIO" not in err
    assert board.modes == flashed
    # Another sensor is another recorder.
    code, _, err = typed(
        capfd,
        "record",
        *BOARD,
        "--sensor",
        "imu",
        "--label",
        "wave",
        "--no-person",
        "--keep",
        "--count",
        "1",
        "--data",
        str(tmp_path / "moves"),
    )
    assert code == Exit.DONE, err
    assert len(board.modes) == 4


def plug_shield(tmp_path, monkeypatch):
    """A TinyML shield, before whose camera there is a slope with noise; once a hand covers it."""
    noise = np.random.default_rng(4).normal(np.linspace(20, 230, 320), 10, (240, 320))
    lit = np.clip(noise, 0, 255).astype(np.uint8)
    frames = [*[lit] * 4, *[lit // 8] * 3, lit]
    (tmp_path / "frames").write_bytes(b"".join(frame.tobytes() for frame in frames))
    monkeypatch.setenv("ED_FAKE_CAMERA", str(tmp_path / "frames"))


def test_its_parts_are_looked_at(bus, capfd, tmp_path, monkeypatch):
    sound = np.random.default_rng(3).integers(-3_000, 3_000, 60 * 16_000, np.int16)
    (tmp_path / "sound").write_bytes(sound.tobytes())
    (tmp_path / "motion").write_bytes(np.tile(np.int16([0, 0, 8192, 0, 0, 0]), 9_000).tobytes())
    monkeypatch.setenv("ED_FAKE_SOUND", str(tmp_path / "sound"))
    monkeypatch.setenv("ED_FAKE_MOTION", str(tmp_path / "motion"))
    monkeypatch.setenv("ED_FAKE_LED", str(tmp_path / "led"))
    plug_shield(tmp_path, monkeypatch)
    plug_flashed(bus, capfd)
    said = document(capfd, "selftest", *BOARD)
    found = said["checks"]
    assert said["variant"] == "sense"
    assert {each["check"]: each["verdict"] for each in found} == {
        "memory": "pass",
        "cycle_counter": "untested",  # a run takes this computer a microsecond or two
        "led": "untested",  # nobody was asked
        "microphone": "pass",
        "imu": "pass",
        "camera": "pass",
    }, found
    assert (tmp_path / "led").read_text() == "101010"
    assert [each["found"] for each in found if "not tried: clap once" in each["found"]]

    # Now with a person, who gives up, and who does as asked: a clap in the third second, and a
    # board that is turned onto its side.
    monkeypatch.setattr("edge_deploy.cli.output.can_ask", lambda: True)
    sound //= 10
    sound[3 * 16_000 : 3 * 16_000 + 200] = 32_000
    (tmp_path / "sound").write_bytes(sound.tobytes())
    lies, turned = np.int16([0, 0, 8192, 0, 0, 0]), np.int16([8192, 0, 0, 0, 0, 0])
    moves = np.concatenate([np.tile(lies, (119 * 3, 1)), np.tile(turned, (9_000, 1))])
    (tmp_path / "motion").write_bytes(moves.tobytes())

    def interrupt(source, pieces, ask):
        next(pieces)
        raise KeyboardInterrupt

    monkeypatch.setattr("click.confirm", lambda text, err: True)
    with monkeypatch.context() as gives_up:
        gives_up.setattr(asked, "watch", interrupt)
        assert typed(capfd, "selftest", *BOARD)[0] == Exit.INTERRUPTED
    code, out, err = typed(capfd, "selftest", *BOARD)
    assert code == Exit.DONE, out + err
    assert "it was seen to blink" in out
    assert "a clap of 0 dBFS over -4" in out
    assert "tilted by 90 degrees" in out
    assert "of 255 down to" in out
    assert "microphone: now clap once; it waits 15 s\nmicrophone: a clap of" in err


def test_a_part_that_its_variant_has_is_missed(bus, capfd, monkeypatch):
    monkeypatch.setenv("ED_FAKE_CHIPS", "6b")  # its inertial sensor is dead
    plug_flashed(bus, capfd)
    code, out, err = typed(capfd, "selftest", *BOARD)
    assert code == Exit.FAILED
    assert "nano33, variant sense" in err
    assert "this is an Arduino Nano 33 BLE Sense, and no LSM9DS1 answers" in out
    assert "no TinyML shield answers" in out
    assert "imu: unplug the board" in err


def test_it_looks_where_it_has_the_shield(bus, capfd, tmp_path, monkeypatch):
    bus.plug()
    code, _, err = typed(capfd, "flash", *BOARD, "vision", "--count", "1", "--plain")
    assert code == Exit.NO_BOARD
    assert "camera" in err
    # Pictures may come over the wire all the same.
    found = document(capfd, "verify", *BOARD, "vision")
    assert found["mismatches"] == 0
    plug_shield(tmp_path, monkeypatch)
    bus.close()
    bus.plug("ttyACM1")
    code, out, err = typed(capfd, "flash", *BOARD, "vision", "--count", "2", "--json")
    assert code == Exit.DONE, err
    seen = [json.loads(line) for line in out.splitlines()]
    assert [(each["kind"], each["n"]) for each in seen] == [("inference", 0), ("inference", 1)]
