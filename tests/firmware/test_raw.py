"""Firmware that records, on the host port with sanitizers: docs/wire.md, "raw on"."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import boards
from edge_deploy.build import config
from edge_deploy.errors import UsageError
from edge_deploy.sensing import SourceSettings
from tests.firmware import building
from tests.firmware.board import Board, crc, fields_of, sealed, some_input
from tests.firmware.test_listening import error, told
from tests.firmware.test_noise import answers

RECORDS = {
    "microphone": SourceSettings(kind="microphone", sample_rate_hz=16_000),
    "imu": SourceSettings(kind="imu", sample_rate_hz=119, axes=3),
    "camera": SourceSettings(kind="camera", width=21, height=19, period_ms=10),
}
KINDS = sorted(RECORDS)
FRAME = 21 * 19
RANDOM = np.random.default_rng(5)
# What the sensor gives, and what of it the firmware sends: of six axes the first three.
SENSED = {
    "microphone": RANDOM.integers(-32768, 32768, 3_000).astype(np.int16),
    "imu": RANDOM.integers(-32768, 32768, (500, 6)).astype(np.int16),
    "camera": RANDOM.integers(0, 256, (12, FRAME)).astype(np.uint8),
}
SENT = SENSED | {"imu": SENSED["imu"][:, :3]}
SAMPLE_BYTES = {"microphone": 2, "imu": 6, "camera": 1}


def build(compiler: str, kind: str, folder: Path, *, sensors: bool = True) -> Path:
    sources = building.firmware_sources("host")
    if sensors:
        sources.remove(building.SOURCES / "ports" / "host" / "sensors.c")
        sources.append(building.TESTS / "fake_sensors.c")
    made = folder / "config"
    made.mkdir()
    text = config.emit(boards.load("nano33"), "host", (), SourceSettings(), record=RECORDS[kind])
    (made / config.FILE).write_text(text)
    shutil.copy(building.CONFIG / "ed_model_config.h", made)
    return building.compile_c(
        [compiler],
        sources,
        folder / "firmware",
        config=made,
        flags=building.SANITIZERS if sensors else (),
    )


@pytest.fixture(scope="module")
def built(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: build(host_compiler, kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _sensed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ED_FAKE_LATE", "ED_FAKE_LOST", "ED_FAKE_RATE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "sensed"
    path.write_bytes(SENSED[kind].tobytes())
    monkeypatch.setenv("ED_FAKE_SENSED", str(path))


def recorded(board: Board, kind: str, count: int) -> list[dict[str, str]]:
    """The records of `raw on N`."""
    assert told(board, f"raw on {count}") == []
    found = []
    while (record := fields_of(board.line()))["kind"] == "raw":
        found.append(record)
    assert (record["kind"], record["state"], record["n"]) == ("stream", "off", str(count))
    return found


def test_hello_says_what_it_records(built: dict[str, Path], kind: str) -> None:
    wanted = {
        "microphone": {"rate_hz": "16000"},
        "imu": {"rate_hz": "119", "axes": "3"},
        "camera": {"width": "21", "height": "19", "period_ms": "10"},
    }[kind]
    with Board(built[kind]) as board:
        head, said, *_ = (fields_of(line) for line in board.ask("hello"))
    assert head["source"] == "recorder"
    assert said.pop("seq")
    assert said == {"kind": "recorder", "sensor": kind} | wanted


def test_samples_come_as_they_are(built: dict[str, Path], kind: str) -> None:
    size = SAMPLE_BYTES[kind]
    units = FRAME if kind == "camera" else 1  # samples that `raw on N` counts as one
    with Board(built[kind]) as board:
        for count in (1, 2, 11) if kind == "camera" else (1, 33, 34, 99, 100, 101, 450):
            records = recorded(board, kind, count)
            data = b"".join(bytes.fromhex(record["hex"]) for record in records)
            assert data == SENT[kind].tobytes()[: count * units * size], count
            at = 0
            for record in records:
                length = len(record["hex"]) // 2
                assert (record["n"], record["lost"]) == (str(at // size), "0")
                assert length <= 200
                assert length % size == 0
                if kind == "camera":  # no record has pixels of two frames
                    assert at // FRAME == (at + length - 1) // FRAME
                at += length


def test_what_was_lost_is_told_where_it_was(
    built: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake sensor loses 100 samples, or a frame, after so many that it gave."""
    places = (2, 5) if kind == "camera" else (120, 250)
    monkeypatch.setenv("ED_FAKE_LOST", ",".join(map(str, places)))
    size, each = SAMPLE_BYTES[kind], 1 if kind == "camera" else 100
    units = FRAME if kind == "camera" else 1
    with Board(built[kind]) as board:
        records = recorded(board, kind, 8 if kind == "camera" else 400)
    at = 0
    for record in records:
        # A sensor has lost what it lost before it gave what comes next.
        given = at // size // units + (kind == "camera")
        lost = each * sum(place <= given for place in places)
        assert record["lost"] == str(lost)
        assert record["n"] == str(at // size + lost * units)
        at += len(record["hex"]) // 2
    assert {record["lost"] for record in records} == {"0", str(each), str(2 * each)}


def test_what_is_wrong_and_what_ends_it(built: dict[str, Path], kind: str) -> None:
    with Board(built[kind]) as board:
        for words in ("raw", "raw on 0", "raw on 1000001", "raw on x", "raw on 1 2", "raw off 1"):
            assert told(board, words) == [error("range")], words
        for words in ("stream on", "stream on 3"):
            assert told(board, words) == [error("no-source")], words
        for words in ("hear 2 00000000", "forget", "decide", "window"):
            assert told(board, words) == [error("unknown")], words
        assert fields_of(board.ask("raw on")[0])["code"] == "crc"
        for words in ("raw off", "stream off"):
            assert told(board, words) == []
            board.send(sealed("raw on"))
            assert board.until_ready() == []
            assert fields_of(board.line())["kind"] == "raw"
            board.send(sealed(words))
            last = fields_of(board.until_ready()[-1])
            assert (last["kind"], last["state"]) == ("stream", "off")
        board.send(sealed("raw on"))
        assert board.until_ready() == []
        data = some_input(1)
        board.send(sealed(f"load {len(data)} {crc(data)}"))
        while (record := fields_of(board.line()))["kind"] == "raw":
            pass
        assert record["kind"] == "stream"
        assert fields_of(board.line())["kind"] == "go"
        board.send(data)
        assert fields_of(board.until_ready()[0])["kind"] == "loaded"
        assert told(board, "run 1 0 0")[-1]["in_crc"] == crc(data)


def test_a_sensor_that_cannot_be_had(
    built: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch, host_compiler: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("ED_FAKE_RATE", "44100")
    other = {"rate_hz": "44100"} if kind == "microphone" else {"missing": "settings"}
    with Board(built[kind]) as board:
        assert told(board, "raw on") == [error("no-source", **other)]
    if kind == "imu":
        with Board(build(host_compiler, kind, tmp_path, sensors=False)) as board:
            assert told(board, "raw on 5") == [error("no-source", missing=kind)]


def test_noise(built: dict[str, Path], kind: str) -> None:
    words = [
        b"%", b"*", sealed("raw on"), sealed("raw on 3"), sealed("raw off"), sealed("stream off"),
        sealed("stream on"), b"raw on%", sealed("raw"), sealed("load 490 00000000"),
        sealed("run 1 0 0"), sealed("hello"), sealed("reset"), b"x" * 90,
        sealed("led 1"), sealed("memory"),
    ]  # fmt: skip
    with Board(built[kind]) as board:
        for seed in range(4):
            chance = random.Random(seed)
            noise = bytearray()
            while len(noise) < 3_000:
                noise += chance.choice(words)
                if chance.random() < 0.3:
                    noise += chance.randbytes(chance.randrange(1, 5))
            board.send(bytes(noise) + b"%" + sealed("raw off"))
            assert answers(board, seed)
        assert recorded(board, kind, 2)[0]["n"] == "0"


def test_what_no_firmware_records() -> None:
    nano33 = boards.load("nano33")
    ramp = SourceSettings(kind="ramp", from_=0, to=1, steps=2, period_ms=5)
    for source, record in ((ramp, RECORDS["imu"]), (SourceSettings(), ramp)):
        with pytest.raises(UsageError, match="records one of microphone, imu, camera"):
            config.emit(nano33, "host", (), source, record=record)
