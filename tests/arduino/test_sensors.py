"""What a board hears, feels and sees through the Arduino port: the windows of the host's features.

The fake cores' sensors fill by a clock, as a board's do. Which samples make a window is known from
their number alone; where some were lost, on purpose, all that come later have their right numbers.
"""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import boards
from edge_deploy.build import config
from edge_deploy.sensing import SourceSettings
from tests.arduino.test_port import library, resampled  # noqa: F401  (a fixture)
from tests.arduino.test_showing import BLUE, LED, lit, shown
from tests.firmware import building, listener
from tests.firmware.board import Board, fields_of
from tests.firmware.listener import SCALES, hear, scores_of, window_of
from tests.firmware.test_listening import STRIDE, error, some_sound, told, windows
from tests.firmware.test_raw import recorded
from tests.firmware.test_sensing import some_samples, window

NANO33, XIAO = building.NANO33, building.XIAO
BOTH = pytest.mark.parametrize("board", [NANO33, XIAO], ids=["nano33", "xiao"])


@dataclass(frozen=True)
class Programs:
    """The port with the model that fake_listener.c is, or recording, each compiled once."""

    root: Path

    @functools.cache  # noqa: B019
    def senses(self, board: str, kind: str) -> Path:
        lab = LABS[kind]
        folder = self._folder(f"{board}-{kind}")
        return building.arduino_program(
            folder / "firmware",
            board=board,
            sources=listener.sources("arduino"),
            flags=listener.flags(lab, SCALES.get(kind, listener.INPUT_SCALE)),
            config=listener.write_config(lab, folder / "config"),
        )

    @functools.cache  # noqa: B019
    def records(self, board: str, source: SourceSettings) -> Path:
        folder = self._folder(f"{board}-{source.kind}-recorder")
        made = folder / "config"
        made.mkdir()
        text = config.emit(boards.load("nano33"), "host", (), SourceSettings(), record=source)
        (made / config.FILE).write_text(text)
        shutil.copy(building.CONFIG / "ed_model_config.h", made)
        return building.arduino_program(folder / "firmware", board=board, config=made)

    def _folder(self, name: str) -> Path:
        if not shutil.which("gcc") or not shutil.which("g++"):
            pytest.skip("no gcc and g++ on this machine")
        (self.root / name).mkdir()
        return self.root / name


LABS = {kind: listener.lab(kind) for kind in ("mfcc", "motion", "motion_6")}
# A size that the XIAO's camera has.
LABS["image"] = listener.sensing_lab(
    "kind: camera, width: 96, height: 96, period_ms: 100", "kind: image, width: 12, height: 11"
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    for name in ("SOUND", "MOTION", "PICTURES", "CHIPS", "STALL", "SLOW"):
        monkeypatch.delenv(f"ED_FAKE_{name}", raising=False)


@pytest.fixture
def sensed(tmp_path, monkeypatch):
    """What the fake board is to sense, and how much slower its clock is."""

    def play(variable, samples, *, slow=1):
        (tmp_path / variable).write_bytes(np.ascontiguousarray(samples).tobytes())
        monkeypatch.setenv(f"ED_FAKE_{variable}", str(tmp_path / variable))
        monkeypatch.setenv("ED_FAKE_SLOW", str(slow))

    return play


def stream(board, results):
    """So many results of a stream."""
    assert board.tell(f"stream on {results}") == []
    found = [fields_of(board.line()) for _ in range(results)]
    assert fields_of(board.line())["state"] == "off"
    return found


def losses(found):
    """(overruns, lost) of each record."""
    return [(int(record["overruns"]), int(record["lost"])) for record in found]


def hex_of(scores):
    return scores.tobytes().hex()


@BOTH
def test_it_hears(programs, sensed, board):
    sound = some_sound(9, 20_000)
    sensed("SOUND", sound, slow=6)  # a stride of 30 ms is 180 ms
    lab = LABS["mfcc"]
    host = windows(lab, sound)
    with Board(programs.senses(board, "mfcc")) as running:
        for results in (4, 2):  # each stream begins anew
            found = stream(running, results)
            wanted = [scores_of(host[(n + 1) * STRIDE], len(lab.labels)) for n in range(results)]
            assert [record["out"] for record in found] == [hex_of(each) for each in wanted]
            assert set(losses(found)) == {(0, 0)}


@BOTH
def test_what_it_hears_is_seen(programs, sensed, board, tmp_path, monkeypatch):
    for name in ("PINS", "DISPLAY"):
        monkeypatch.setenv(f"ED_FAKE_{name}", str(tmp_path / name))
    sensed("SOUND", some_sound(3, 20_000), slow=8)
    with Board(programs.senses(board, "mfcc")) as running:
        assert running.tell("stream on") == []
        found = [fields_of(running.line()) for _ in range(4)]
        assert [record.get("heard") for record in found] == [None, None, "3", None]
        pins, pictures = shown(tmp_path / "PINS", tmp_path / "DISPLAY")
        if board == NANO33:
            assert lit(pins) == {BLUE}  # go, the third that is not silence
        else:
            assert pins == [(LED, 0)]
            assert len(pictures) == 2  # dark at the start
            assert pictures[-1].any()
        running.tell("stream off")
        pins, pictures = shown(tmp_path / "PINS", tmp_path / "DISPLAY")
        assert lit(pins) == set() if board == NANO33 else pins[-1] == (LED, 255)
        assert not pictures[-1:].any()


@BOTH
def test_it_hears_what_comes_over_the_wire(programs, board):
    """3,200 bytes at a time: a XIAO asks for the second part of them."""
    sound = some_sound(10, 4_800)
    host = windows(LABS["mfcc"], sound)
    with Board(programs.senses(board, "mfcc")) as running:
        for at in range(0, len(sound), 1_600):
            hear(running, sound[at : at + 1_600])
        assert window_of(running) == (host[-1].tobytes(), len(host) - 1)


# An LSM9DS1 has the lab's 119 Hz; an LSM6DS3TR-C runs at its next rate.
RATES_MHZ = {
    (NANO33, "motion"): 119_000,
    (XIAO, "motion"): 208_000,
    (XIAO, "motion_6"): 104_000,
}


@pytest.mark.parametrize(("board", "kind"), RATES_MHZ, ids=["nano33", "xiao", "xiao-six-axes"])
def test_it_feels(programs, sensed, board, kind, library):  # noqa: F811
    lab = LABS[kind]
    six = some_samples(LABS["motion_6"], 3, 600).astype("<i2")
    sensed("MOTION", six, slow=2 if kind == "motion" else 4)  # a stride is 280 ms or more
    came = resampled(
        library, felt(board, six), RATES_MHZ[board, kind], lab.source.sample_rate_hz * 1_000
    )
    with Board(programs.senses(board, kind)) as running:
        found = stream(running, 4)
    ends = [(n + 1) * lab.source.stride_samples for n in range(4)]
    wanted = [
        scores_of(window(lab, came[:end, : lab.source.axes], kind), len(lab.labels)) for end in ends
    ]
    assert [record["out"] for record in found] == [hex_of(each) for each in wanted]
    assert set(losses(found)) == {(0, 0)}


def felt(board, six):
    """A recording in the port's units: an LSM6DS3TR-C's steps of 70 mdps are not ours."""
    if board == NANO33:
        return six
    turns = np.trunc(six[:, 3:].astype(np.int64) * 3584 / 3125)
    return np.hstack([six[:, :3], np.clip(turns, -32768, 32767).astype(np.int16)])


PICTURES = np.random.default_rng(4).integers(0, 256, (400, 96, 96)).astype(np.uint8)


def seen(found):
    """Which of the pictures made each result: all of a picture, and nothing of another one."""
    lab = LABS["image"]
    known = {
        hex_of(scores_of(window(lab, PICTURES[: n + 1], "image"), len(lab.labels))): n
        for n in range(len(PICTURES))
    }
    assert len(known) == len(PICTURES)
    return [known[record["out"]] for record in found]


@pytest.mark.parametrize("sensor", ["OV2640", "OV3660"])
def test_it_sees(programs, sensed, monkeypatch, sensor):
    """Upright, too: an OV3660 gives its rows from the lowest on."""
    sensed("PICTURES", PICTURES, slow=4)
    monkeypatch.setenv(f"ED_FAKE_{sensor}", "1")
    with Board(programs.senses(XIAO, "image")) as running:
        for results in (4, 2):
            found = stream(running, results)
            numbers = seen(found)
            assert numbers == sorted(set(numbers))
            # One each 100 ms, of 50 a second.
            assert numbers[0] < 5
            assert numbers[-1] - numbers[0] > 2 * (results - 1)
            assert set(losses(found)) == {(0, 0)}


def test_pictures_that_nobody_takes_are_lost_and_counted(programs, sensed, monkeypatch):
    sensed("PICTURES", PICTURES)
    monkeypatch.setenv("ED_FAKE_STALL", "700 650")
    with Board(programs.senses(XIAO, "image")) as running:
        found = stream(running, 11)
    numbers = seen(found)
    assert numbers == sorted(set(numbers))
    assert all(overruns == lost for overruns, lost in losses(found))
    assert 4 <= losses(found)[-1][1] <= 8
    assert np.diff(numbers).max() >= 4 * 5  # a gap in what was seen: the newest one waits


@BOTH
def test_sound_that_is_lost_is_counted(programs, sensed, monkeypatch, board):
    sound = some_sound(11, 40_000)
    sensed("SOUND", sound)
    monkeypatch.setenv("ED_FAKE_STALL", "800 700")
    source = SourceSettings(kind="microphone", sample_rate_hz=16_000)
    with Board(programs.records(board, source)) as running:
        found = recorded(running, "microphone", 14_000)
    for record in found:
        samples = np.frombuffer(bytes.fromhex(record["hex"]), "<i2")
        at = int(record["n"])
        assert np.array_equal(samples, sound[at : at + len(samples)]), record
    # 256 ms of it are kept.
    lost = int(found[-1]["lost"])
    assert 16 * (700 - 256 - 40) < lost < 16 * 700
    assert found[0]["lost"] == "0"


@BOTH
def test_motion_that_is_lost_is_counted(programs, sensed, monkeypatch, board, library):  # noqa: F811
    """How much a FIFO has lost is reckoned by the clock: it may be a sample or two off."""
    rate_hz = {NANO33: 119, XIAO: 833}[board]
    six = some_samples(LABS["motion_6"], 5, 3_000).astype("<i2")
    came = felt(board, six)
    sensed("MOTION", six)
    monkeypatch.setenv("ED_FAKE_STALL", "800 700")
    source = SourceSettings(kind="imu", sample_rate_hz=rate_hz, axes=6)
    with Board(programs.records(board, source)) as running:
        found = recorded(running, "imu", rate_hz)
    lost = [int(record["lost"]) for record in found]
    for record in found:
        samples = np.frombuffer(bytes.fromhex(record["hex"]), "<i2").reshape(-1, 6)
        at = int(record["n"])
        off = [0] if record["lost"] == "0" else range(-3, 4)
        assert any(np.array_equal(samples, came[at + by : at + by + len(samples)]) for by in off), (
            record
        )
    # An LSM9DS1 keeps 32 samples; a full LSM6DS3TR-C begins anew.
    kept = 32 if board == NANO33 else 0
    assert 0.7 * rate_hz - kept - 8 < lost[-1] < 0.8 * rate_hz
    assert lost[0] == 0


def holds_to(program: Path, variant: str, sensors: str) -> None:
    """What a program says of the board that it is on, and that it listens only where it can."""
    with Board(program) as board:
        hello = board.tell("hello")[0]
        assert (hello["variant"], hello["sensors"]) == (variant, sensors)
        if "microphone" not in sensors:
            assert told(board, "stream on") == [error("no-source", missing="microphone")]


@pytest.mark.parametrize(
    ("chips", "variant", "sensors"),
    [
        ("", "sense", "microphone,imu"),
        ("39 5c 5f", "ble", "imu"),
        # Arduino's library for the BMI270 is not here: the sensor is there and cannot be read.
        ("6b 5f +44 +68", "sense_rev2", "microphone"),
        ("6b 39 5c 5f +68", "ble_rev2", "none"),
        ("5c", "sense", "microphone,imu"),
        ("6b", "sense", "microphone"),
        ("6b 5f +44", "sense_rev2", "microphone"),
        ("6b 5f", "local", "microphone"),
        ("39 5c 5f 6b", "local", "none"),
        ("+68", "local", "microphone,imu"),
    ],
    ids=[
        "a Sense",
        "a plain Nano 33 BLE",
        "a Sense Rev2",
        "a plain one, Rev2",
        "a dead barometer is still a Sense's",
        "a dead IMU is still a Sense's",
        "and so of a Rev2",
        "a Sense that does not say which: as the build says",
        "nothing answers: as the build says",
        "both IMUs: no board has that",
    ],
)
def test_what_is_on_a_nano_is_told_and_no_more(programs, monkeypatch, chips, variant, sensors):
    monkeypatch.setenv("ED_FAKE_CHIPS", chips)
    holds_to(programs.senses(NANO33, "mfcc"), variant, sensors)


@pytest.mark.parametrize(
    ("chips", "variant", "sensors"),
    [
        ("", "xiaoml", "microphone,imu,camera"),
        ("6a", "sense", "microphone,camera"),
        ("6a 30", "plain", "none"),
        ("30", "xiaoml", "imu"),
        ("30 3c", "plain", "imu"),
    ],
    ids=[
        "an XIAOML kit",
        "a Sense",
        "a plain XIAO",
        "a kit whose camera has come off",
        "one with an IMU that is one's own",
    ],
)
def test_what_is_on_a_xiao_is_told_and_no_more(programs, monkeypatch, chips, variant, sensors):
    monkeypatch.setenv("ED_FAKE_CHIPS", chips)
    holds_to(programs.senses(XIAO, "mfcc"), variant, sensors)
    with Board(programs.senses(XIAO, "image")) as board:
        if "camera" not in sensors:
            assert told(board, "stream on") == [error("no-source", missing="camera")]
