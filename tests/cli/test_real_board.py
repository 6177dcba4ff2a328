"""`flash`, `verify` and `bench` on a board that only looks real.

PlatformIO is a stand-in that compiles the very project for this computer, with a fake core in place
of the board's; bossac is a stand-in; the board is a pseudo-terminal that runs what was uploaded.
"""

from __future__ import annotations

import functools
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")

from edge_deploy.bench import asked
from edge_deploy.build import platformio
from edge_deploy.cli import prepare
from edge_deploy.devices import nano33, usb
from edge_deploy.errors import Exit
from tests.cli.test_spine import document, typed
from tests.devices import fake_nano
from tests.devices.fake_nano import Bus

PIO = """\
import pathlib, shutil, sys
from tests.build.test_project import compile_all
from tests.devices import fake_esp
from tests.firmware import building
import subprocess
folder = pathlib.Path(sys.argv[sys.argv.index("--project-dir") + 1])
out = folder / ".pio" / "build" / sys.argv[sys.argv.index("--environment") + 1]
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
source = folder / "src"
if (source / "blink.cpp").exists():
    (out / "firmware.bin").write_bytes(b"image of " + (source / "blink.cpp").read_bytes())
else:
    objects = compile_all(source, ["-I", str(source), "-I", str(source / "generated")], out)
    objects += building.fake_core(out, board=building.NANO33)
    words = ["g++", *map(str, objects), "-lpthread", "-o", str(out / "firmware.bin")]
    subprocess.run(words, check=True)
shutil.copyfile(out / "firmware.bin", out / "firmware.elf")
if out.name == "xiao_esp32s3":
    (out / "bootloader.bin").write_bytes(fake_esp.bootloader())
    (out / "partitions.bin").write_bytes(bytes(3072))
print("RAM:   [==        ]  17.5% (used 45768 bytes from 262144 bytes)")
print("Flash: [=         ]  11.2% (used 110124 bytes from 983040 bytes)")
"""


@pytest.fixture
def bus(tmp_path, monkeypatch):
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    stand_in = tmp_path / "pio.py"
    stand_in.write_text(PIO)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(platformio, "program", lambda: [sys.executable, str(stand_in)])
    # This computer has none of the Cortex-M4's instructions.
    portable = functools.partial(prepare.compiled, portable=True)
    monkeypatch.setattr(prepare, "compiled", portable)
    home = tmp_path / "dev"
    home.mkdir()
    made = Bus(home)
    monkeypatch.setattr(usb, "connected", made.connected)
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(home)))
    monkeypatch.setattr(nano33, "COMES_S", 3.0)
    monkeypatch.setattr(nano33, "BY_HAND_S", 0.5)
    yield made
    made.close()


BOARD = ("--board", "nano33")


def test_from_a_model_to_a_board_that_answers_as_a_virtual_one(bus, capfd):
    board = bus.plug()
    code, out, err = typed(capfd, "flash", *BOARD, "hello", "--count", "5", "--plain")
    assert code == Exit.DONE, err
    assert f"hello is on nano33 at {board.port.path}, and answers" in err
    assert out.count("x ") >= 5
    assert board.image is not None

    found = document(capfd, "verify", *BOARD, "hello", "--inputs", "20")
    assert (found["compared"], found["mismatches"]) == (20, 0)
    measured = document(capfd, "bench", *BOARD, "hello", "--runs", "3")
    virtual = document(capfd, "bench", *BOARD, "--on", "virtual", "hello", "--runs", "3")
    assert measured["model"] == virtual["model"]
    assert measured["arena_bytes"]["value"] == virtual["arena_bytes"]["value"]
    assert measured["latency_us"]["inference"]["origin"] == "measured:arduino_clock"
    assert measured["stack_bytes"]["value"] > 0
    assert measured["stack_bytes"]["origin"] == "measured:painted_stack"
    assert "cycles" not in measured  # silicon does not know what its memory costs it
    # It was there already: nothing was written again.
    assert board.modes == [fake_nano.APPLICATION, fake_nano.BOOTLOADER, fake_nano.APPLICATION]


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
    board = bus.plug()
    words = ("record", *BOARD, "--sensor", "mic", "--label", "yes", "--no-person", "--count", "2")
    folder = ("--data", str(tmp_path / "mine"))
    code, _, err = typed(capfd, *words, *folder)
    assert code == Exit.DONE, err
    assert "PlatformIO builds a recorder for nano33" in err
    assert len(list((tmp_path / "mine" / "yes").glob("*.wav"))) == 2
    flashed = [fake_nano.APPLICATION, fake_nano.BOOTLOADER, fake_nano.APPLICATION]
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
    assert len(board.modes) == 5


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
    bus.plug()
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
    bus.plug()
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
