"""`flash`, `verify`, `bench`, `evaluate`, `record` and `selftest` on boards that only look real.

Whatever runs on both kinds of board gives what the virtual board gives (stand_ins.py says what they
are).
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")
pytest.importorskip("esptool", reason="esptool is of the extra `boards`")
pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")
pytest.importorskip("PIL", reason="pictures need Pillow")

from edge_deploy import pictures
from edge_deploy.cli import prepare
from edge_deploy.errors import Exit
from tests import listening_lab
from tests.cli import stand_ins
from tests.cli.test_spine import document, typed
from tests.devices import fake_esp, fake_nano

VIRTUAL = ("--board", "nano33", "--on", "virtual")
KINDS = ("nano33", "xiao_esp32s3")
XIAO = ("--board", "xiao_esp32s3")
# What a board goes through that is written to once.
ONCE = {
    "nano33": [fake_nano.APPLICATION, fake_nano.BOOTLOADER, fake_nano.APPLICATION],
    "xiao_esp32s3": ["program", "loader", "program"],
}


def plug(bus, kind):
    return bus.plug() if kind == "nano33" else bus.plug_xiao()


def flash(capfd, kind, word="hello"):
    """From then on the board answers: one that is silent is given ten seconds."""
    code, _, err = typed(capfd, "flash", "--board", kind, word, "--no-run")
    assert code == Exit.DONE, err


@pytest.mark.parametrize("kind", KINDS)
def test_from_a_model_to_a_board_that_answers_as_a_virtual_one(bus, capfd, kind):
    board = plug(bus, kind)
    on = ("--board", kind)
    code, out, err = typed(capfd, "flash", *on, "hello", "--count", "5", "--plain")
    assert code == Exit.DONE, err
    assert f"hello is on {kind} at {board.port.path}, and answers" in err
    assert out.count("x ") >= 5

    found = document(capfd, "verify", *on, "hello", "--inputs", "20")
    assert (found["compared"], found["mismatches"]) == (20, 0)
    measured = document(capfd, "bench", *on, "hello", "--runs", "3")
    virtual = document(capfd, "bench", *VIRTUAL, "hello", "--runs", "3")
    assert measured["model"] == virtual["model"]
    assert measured["arena_bytes"]["value"] == virtual["arena_bytes"]["value"]
    assert measured["latency_us"]["inference"]["origin"] == "measured:arduino_clock"
    assert measured["stack_bytes"]["value"] > 0
    assert measured["stack_bytes"]["origin"] == "measured:painted_stack"
    assert "cycles" not in measured  # silicon does not know what its memory costs it
    # It was there already: nothing was written again.
    assert board.modes == ONCE[kind]


def test_what_a_xiao_got_is_what_was_built_byte_for_byte(bus, capfd, builds):
    board = bus.plug_xiao(back_as="ttyACM4")
    flash(capfd, "xiao_esp32s3")
    images = [path.read_bytes() for path in builds.rglob("firmware.bin")]
    assert board.image() in images
    assert fake_esp.program_of(board.image()).startswith(b"\x7fELF")
    # A byte that is another one is no program.
    spoiled = bytearray(board.image())
    spoiled[1000] ^= 1
    assert fake_esp.program_of(bytes(spoiled)) is None


def test_a_xiao_with_the_kernels_that_were_asked_for(bus, capfd, monkeypatch):
    monkeypatch.setattr(prepare, "compiled", stand_ins.COMPILED)
    board = bus.plug_xiao()
    vectors = ("--target", "esp32s3")
    code, _, err = typed(capfd, "flash", *XIAO, *vectors, "hello", "--no-run")
    assert code == Exit.DONE, err
    assert "/esp32s3, model " in err
    found = document(capfd, "verify", *XIAO, *vectors, "hello", "--inputs", "20")
    assert (found["compared"], found["mismatches"]) == (20, 0)
    # What bench shows is of the kernels that it was asked for: it flashes the others.
    code, out, err = typed(capfd, "bench", *XIAO, "hello", "--runs", "2")
    assert code == Exit.DONE, err
    assert "/portable, " in out
    assert board.modes == ["program", "loader", "program", "loader", "program"]
    code, _, err = typed(capfd, "verify", *XIAO, *vectors, "hello")
    assert code == Exit.WRONG_BOARD
    assert "runs the model with edge-deploy-" in err
    assert "edge-deploy flash --board xiao_esp32s3 --on auto --target esp32s3 hello" in err


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """A lab that hears two tones, and recordings of them."""
    root = tmp_path_factory.mktemp("labs")
    lab = listening_lab.write_lab(root / "tones")
    return lab, listening_lab.write_data(tmp_path_factory.mktemp("data"), each=2, noise_s=5.0)


SAME = (
    "lab", "n", "windows_compared", "differing_windows", "differing_outputs",
    "differing_decisions", "accuracy", "confusion", "recordings",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_it_decides_as_a_virtual_board(bus, capfd, tones, kind):
    lab, data = tones
    plug(bus, kind)
    flash(capfd, kind, lab)
    words = ("evaluate", lab, "--data", data)
    virtual = document(capfd, *words, *VIRTUAL)
    found = document(capfd, *words, "--board", kind)
    assert (found["n"], found["differing_decisions"], found["accuracy"]["value"]) == (6, 0, 1.0)
    assert {key: found.get(key) for key in SAME} == {key: virtual.get(key) for key in SAME}


PICTURES = np.random.default_rng(5).integers(0, 256, (300, 120, 160)).astype(np.uint8)


def test_a_xiao_records_pictures(bus, capfd, tmp_path, monkeypatch):
    (tmp_path / "pictures").write_bytes(PICTURES.tobytes())
    monkeypatch.setenv("ED_FAKE_PICTURES", str(tmp_path / "pictures"))
    board = bus.plug_xiao()
    flash(capfd, "xiao_esp32s3")
    words = ("record", *XIAO, "--sensor", "camera", "--label", "cup")
    folder = ("--data", tmp_path / "mine")
    code, _, err = typed(capfd, *words, "--no-person", "--count", "2", *folder)
    assert code == Exit.DONE, err
    assert "PlatformIO builds a recorder for xiao_esp32s3" in err
    known = {picture.tobytes() for picture in PICTURES}
    kept = sorted((tmp_path / "mine" / "cup").glob("*.png"))
    assert len(kept) == 2
    assert all(pictures.read(path, 160, 120).tobytes() in known for path in kept)
    assert board.modes == [*ONCE["xiao_esp32s3"], "loader", "program"]


def test_the_parts_of_a_xiao_are_looked_at(bus, capfd, tmp_path, monkeypatch):
    sound = np.random.default_rng(3).integers(-3_000, 3_000, 60 * 16_000, np.int16)
    lies = np.tile(np.int16([0, 0, 8192, 0, 0, 0]), 9_000)
    for name, samples in {"SOUND": sound, "MOTION": lies, "PICTURES": PICTURES}.items():
        (tmp_path / name).write_bytes(samples.tobytes())
        monkeypatch.setenv(f"ED_FAKE_{name}", str(tmp_path / name))
    monkeypatch.setenv("ED_FAKE_LED", str(tmp_path / "led"))
    bus.plug_xiao()
    flash(capfd, "xiao_esp32s3")
    said = document(capfd, "selftest", *XIAO)
    found = said["checks"]
    assert said["variant"] == "xiaoml"
    assert {each["check"]: each["verdict"] for each in found} == {
        "memory": "pass",
        "cycle_counter": "untested",  # a run takes this computer a microsecond or two
        "led": "untested",  # nobody was asked
        "microphone": "pass",
        "imu": "pass",
        "camera": "pass",
    }, found
    # It is lit when its pin is low.
    assert (tmp_path / "led").read_text() == "010101"


def test_a_plain_xiao_senses_nothing_and_says_so(bus, capfd, monkeypatch):
    monkeypatch.setenv("ED_FAKE_CHIPS", "6a 30")
    bus.plug_xiao()
    flash(capfd, "xiao_esp32s3")
    said = document(capfd, "selftest", "--board", "xiao_esp32s3")
    assert said["variant"] == "plain"
    verdicts = {each["check"]: each["verdict"] for each in said["checks"]}
    assert {verdicts[part] for part in ("microphone", "imu", "camera")} == {"absent"}
