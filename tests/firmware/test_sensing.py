"""Firmware that follows motion or sees, on the host port: docs/wire.md, "Sensing".

What all sensors share is tested with sound as well, in test_listening.py.
"""

from __future__ import annotations

import dataclasses
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import features
from edge_deploy.labs import Lab
from edge_deploy.sensing import FeatureSettings, ImageFeatureSettings, elements
from tests.firmware import building, listener
from tests.firmware.board import Board, crc, fields_of, sealed
from tests.firmware.listener import SCALES, hear, scores_of, window_of
from tests.firmware.test_listening import error, told
from tests.firmware.test_noise import answers

KINDS = sorted(listener.SENSING)
MOTIONS = [kind for kind in KINDS if kind != "image"]
Samples = NDArray[np.int16] | NDArray[np.uint8]


@pytest.fixture(scope="module")
def built(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Programs by kind, with sensors that sense a file."""
    return {
        kind: listener.build(
            [host_compiler],
            listener.lab(kind),
            tmp_path_factory.mktemp(kind),
            sensors=True,
            scale=SCALES[kind],
        )
        for kind in KINDS
    }


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ED_FAKE_SENSED", "ED_FAKE_LATE", "ED_FAKE_LOST", "ED_FAKE_RATE"):
        monkeypatch.delenv(name, raising=False)


def some_samples(lab: Lab, seed: int, count: int) -> Samples:
    """As the lab's sensor gives them; of a camera, pixels in a row, of so many frames."""
    rng = np.random.default_rng(seed)
    if lab.source.kind == "camera":
        shape = count, lab.source.height, lab.source.width
        steep = rng.uniform(0.1, 3.0, (count, 1, 1))
        return np.clip(rng.normal(128, 60, shape) * steep, 0, 255).astype(np.uint8)
    loud = 10 ** rng.uniform(1, 4.6, (1 + count // 30, 1)).repeat(30, 0)[:count]
    motion = rng.normal(size=(count, lab.source.axes)) * loud + rng.normal(0, 4000)
    motion[count // 2 : count // 2 + 40] = 0
    return np.clip(motion, -32768, 32767).astype(np.int16)


def window(lab: Lab, samples: Samples, kind: str) -> NDArray[np.int8]:
    """The window after these samples (frames) came to a cleared one, by the host's features."""
    settings = lab.features
    assert settings is not None
    made = features.of(settings)
    real = made.window(last(settings, samples))
    return made.quantize(real, SCALES[kind], listener.INPUT_ZERO)


def last(settings: FeatureSettings, samples: Samples) -> Any:
    if isinstance(settings, ImageFeatureSettings):
        shape = settings.source_height, settings.source_width
        return samples[-1] if len(samples) else np.zeros(shape, np.uint8)
    silence = np.zeros((settings.samples, samples.shape[1]), np.int16)
    return np.concatenate([silence, samples])[-settings.samples :]


def pieces_of(lab: Lab, samples: Samples, seed: int) -> Iterator[tuple[Samples, int]]:
    """Pieces of many sizes as they go over the wire, and how many samples (frames) then came."""
    chance = random.Random(seed)
    if lab.source.kind == "camera":
        for number, frame in enumerate(samples):
            left = frame.reshape(-1)
            while left.size:
                size = min(left.size, chance.choice([1, 2, 63, 500, 1199, 1200]))
                yield left[:size], number + (size == left.size)
                left = left[size:]
        return
    at = 0
    while at < len(samples):
        piece = samples[at : at + chance.choice([1, 2, 6, 7, 20, 59, 60, 61, 200])]
        at += len(piece)
        yield piece, at


def test_hello_says_how_it_senses(built: dict[str, Path]) -> None:
    decision = {"threshold_bits": struct.pack(">f", 0.55).hex(), "smooth": "3"}
    wanted = {
        "motion": {
            "kind": "motion", "rate_hz": "119", "axes": "3", "samples": "50", "stride": "20",
            "average": "1", "remove_mean": "0", "accel_bits": "40800000", "hold_off": "84",
        },
        "motion_6": {
            "kind": "motion", "rate_hz": "100", "axes": "6", "samples": "60", "stride": "7",
            "average": "4", "remove_mean": "1", "accel_bits": "40000000",
            "gyro_bits": "43fa0000", "hold_off": "70",
        },
        "vibration": {
            "kind": "vibration", "rate_hz": "119", "axes": "3", "samples": "50", "stride": "20",
            "fft": "64", "bands": "5", "low_bits": "40a00000", "high_bits": "425c0000",
            "hold_off": "84",
        },
        "image": {
            "kind": "image", "width": "40", "height": "30", "to_width": "12", "to_height": "11",
            "period_ms": "20", "hold_off": "35",
        },
    }  # fmt: skip
    for kind, fields in wanted.items():
        with Board(built[kind]) as board:
            head, said, *_ = board.ask("hello")
        assert fields_of(head)["source"] == ("camera" if kind == "image" else "imu")
        assert said.startswith("ed-image " if kind == "image" else "ed-motion ")
        assert fields_of(said) == {"seq": fields_of(said)["seq"]} | fields | decision


@pytest.mark.parametrize("seed", range(3))
def test_windows_of_odd_pieces_are_the_hosts_bit_for_bit(
    built: dict[str, Path], kind: str, seed: int
) -> None:
    lab = listener.lab(kind)
    samples = some_samples(lab, seed, 8 if kind == "image" else 900)
    seen = set()
    sent = 0
    with Board(built[kind]) as board:
        assert window_of(board) == (window(lab, samples[:0], kind).tobytes(), 0)
        for piece, came in pieces_of(lab, samples, seed):
            hear(board, piece)
            sent += len(piece)
            expected = window(lab, samples[:came], kind).tobytes()
            assert window_of(board) == (expected, came)
            assert board.tell("window")[-1]["samples"] == str(sent)
            seen.add(expected)
        (result,) = told(board, "decide")
        out = scores_of(np.frombuffer(expected, np.int8), len(lab.labels))
        assert result["out"] == out.tobytes().hex()
        assert "heard" not in result
        told(board, "forget")
        assert window_of(board) == (window(lab, samples[:0], kind).tobytes(), 0)
        assert board.tell("window")[-1]["samples"] == "0"
    assert len(seen) > 5


def test_what_is_wrong_is_told_and_changes_nothing(built: dict[str, Path], kind: str) -> None:
    lab = listener.lab(kind)
    size = {"imu": 2 * lab.source.axes, "camera": 1}[lab.source.kind]
    samples = some_samples(lab, 1, 1 if kind == "image" else 30)
    begun = samples.reshape(-1)[:400] if kind == "image" else samples
    # An IMU's samples have room as if they had six axes, as the board gives them.
    most = 40 * 30 - 400 if kind == "image" else 3200 // 12 * size
    with Board(built[kind]) as board:
        hear(board, begun)
        before = window_of(board)
        wrong = [0, most + size, 2**32 - size] + ([size - 1, size + 1] if size > 1 else [])
        for count in wrong:
            refused = error("size", want=str(most))
            assert told(board, f"hear {count} 00000000") == [refused], count
        for words in (
            "hear",
            f"hear {size}",
            "hear x 00000000",
            "forget 1",
            "decide 1",
            "window 1",
        ):
            assert told(board, words) == [error("range")], words
        assert told(board, "raw on") == [error("unknown")]
        assert window_of(board) == before
        # An upload that is damaged leaves even half a frame as it was.
        data = bytes(most)
        board.send(sealed(f"hear {most} 01234567") + data)
        go, failed = (fields_of(line) for line in board.until_ready())
        assert (go["kind"], failed["code"], failed["crc"]) == ("go", "data", crc(data))
        assert window_of(board) == before
        rest = samples.reshape(-1)[400:] if kind == "image" else samples[:0]
        if len(rest):
            hear(board, rest)
        assert window_of(board)[0] == window(lab, samples, kind).tobytes()


def test_a_loaded_input_and_samples_share_their_place(built: dict[str, Path], kind: str) -> None:
    """A load leaves the window, and forgets half a frame; samples forget the load."""
    lab = listener.lab(kind)
    assert lab.features is not None
    samples = some_samples(lab, 2, 2 if kind == "image" else 70)
    data = random.Random(2).randbytes(elements(lab.features))
    with Board(built[kind]) as board:
        hear(board, samples[0].reshape(-1) if kind == "image" else samples)
        if kind == "image":
            hear(board, samples[1].reshape(-1)[:500])
        before = window_of(board)[0]
        board.load(data)
        for _ in range(2):
            assert told(board, "run 2 0 0")[-1]["in_crc"] == crc(data)
        assert window_of(board)[0] == before
        more = samples[1].reshape(-1) if kind == "image" else samples[:1]
        hear(board, more)
        assert told(board, "run 1 0 0") == [error("no-input")]
        came = samples if kind == "image" else np.concatenate([samples, samples[:1]])
        assert window_of(board)[0] == window(lab, came, kind).tobytes()


def decisions(lab: Lab, outs: list[NDArray[np.int8]], frames: list[int]) -> list[tuple[int, str]]:
    """(label, score_bits) or (-1, "") for each result, in whole frames."""
    decision = lab.decision
    assert decision is not None
    frame_ms = lab.source.period_ms or 1000 / lab.source.sample_rate_hz
    made, last_frame = [], -1_000_000
    for end in range(1, len(outs) + 1):
        rows = np.array(outs[max(0, end - decision.smooth) : end], np.int64)
        sums = rows.sum(axis=0) - len(rows) * listener.OUTPUT_ZERO
        top = int(sums.argmax())
        score = np.float32(listener.OUTPUT_SCALE) * np.float32(sums[top])
        score = score / np.float32(decision.smooth)
        held = (frames[end - 1] - last_frame) * frame_ms < decision.hold_off_ms
        if (
            len(rows) < decision.smooth
            or held
            or lab.labels[top] in decision.ignore
            or score < np.float32(decision.threshold)
        ):
            made.append((-1, ""))
        else:
            last_frame = frames[end - 1]
            made.append((top, struct.pack(">f", score).hex()))
    return made


def on_six_axes(samples: Samples) -> Samples:
    """As the board's sensor gives them."""
    if samples.dtype == np.uint8 or samples.shape[1] == 6:
        return samples
    return np.concatenate([samples, np.full((len(samples), 3), 77, np.int16)], axis=1)


def stream(program: Path, folder: Path, samples: Samples, results: int, patch: pytest.MonkeyPatch):
    """The results of a stream from a sensor that senses `samples`, and the window after it."""
    path = folder / "sensed"
    path.write_bytes(on_six_axes(samples).tobytes())
    patch.setenv("ED_FAKE_SENSED", str(path))
    with Board(program) as board:
        told(board, "decide")  # a stream counts from 0 all the same
        assert board.tell(f"stream on {results}") == []
        found = [fields_of(board.line()) for _ in range(results)]
        end = fields_of(board.line())
        assert (end["kind"], end["state"], end["n"]) == ("stream", "off", str(results))
        after = window_of(board)
    return found, after


def test_a_stream_from_a_sensor(
    built: dict[str, Path], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = listener.lab(kind)
    stride = lab.source.stride_samples or 1
    count = 150
    samples = some_samples(lab, 5, count * stride)
    results, after = stream(built[kind], tmp_path, samples, count, monkeypatch)
    frames = [(n + 1) * stride for n in range(count)]
    windows = [window(lab, samples[:frame], kind) for frame in frames]
    outs = [scores_of(each, len(lab.labels)) for each in windows]
    assert [result["out"] for result in results] == [out.tobytes().hex() for out in outs]
    assert [result["n"] for result in results] == [str(n) for n in range(count)]
    assert {(result["overruns"], result["lost"]) for result in results} == {("0", "0")}
    found = [(int(r.get("heard", -1)), r.get("score_bits", "")) for r in results]
    assert found == decisions(lab, outs, frames)
    assert 2 < sum(label >= 0 for label, _ in found) < 140
    assert after == (windows[-1].tobytes(), frames[-1])


@pytest.mark.parametrize("kind", MOTIONS)
def test_strides_that_are_late_are_skipped_and_losses_counted(
    built: dict[str, Path], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = listener.lab(kind)
    stride = lab.source.stride_samples
    samples = some_samples(lab, 6, 60 * stride)
    late, lossy = (5, 6, 20), (10, 6, 30, 31)
    monkeypatch.setenv("ED_FAKE_LATE", ",".join(str((n + 1) * stride) for n in late))
    monkeypatch.setenv("ED_FAKE_LOST", ",".join(str((n + 1) * stride - 3) for n in lossy))
    results, _ = stream(built[kind], tmp_path, samples, 40, monkeypatch)
    strides = [n for n in range(43) if n not in late]
    assert [r["out"] for r in results] == [
        scores_of(window(lab, samples[: (n + 1) * stride], kind), len(lab.labels)).tobytes().hex()
        for n in strides
    ]
    missed = [len([s for s in {*late, *lossy} if s <= n]) for n in strides]
    assert [int(r["overruns"]) for r in results] == missed
    assert [int(r["lost"]) for r in results] == [
        100 * len([s for s in lossy if s <= n]) for n in strides
    ]


def test_frames_that_were_lost_are_overruns(
    built: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = listener.lab("image")
    samples = some_samples(lab, 7, 20)
    monkeypatch.setenv("ED_FAKE_LOST", "3,9,10")
    results, _ = stream(built["image"], tmp_path, samples, 20, monkeypatch)
    lost = [sum(at <= n + 1 for at in (3, 9, 10)) for n in range(20)]
    assert [int(r["lost"]) for r in results] == lost
    assert [int(r["overruns"]) for r in results] == lost


def test_a_stream_without_the_sensor_says_so(
    built: dict[str, Path],
    kind: str,
    host_compiler: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = listener.lab(kind)
    monkeypatch.setenv("ED_FAKE_RATE", "1")
    with Board(built[kind]) as board:
        assert told(board, "stream on") == [error("no-source", missing="settings")]
    if kind in ("motion", "image"):
        made = listener.build([host_compiler], lab, tmp_path, scale=SCALES[kind], checks=())
        with Board(made) as board:
            hear(board, some_samples(lab, 1, 50).reshape(-1)[:120])
            before = window_of(board)
            assert told(board, "stream on 3") == [error("no-source", missing=lab.source.kind)]
            assert told(board, "stream off") == []
            assert window_of(board) == before


def test_features_that_cannot_be_computed_are_told(host_compiler: str, tmp_path: Path) -> None:
    """A band without a bin of the spectrum."""
    lab = listener.lab("vibration")
    assert lab.features is not None
    narrow = dataclasses.replace(lab.features, low_hz=5.0, high_hz=8.0)
    with pytest.raises(features.BadFeatureSettings):
        features.of(narrow)
    made = dataclasses.replace(lab, features=narrow)
    with Board(listener.build([host_compiler], made, tmp_path, checks=())) as board:
        assert board.ask("hello")[1].startswith("ed-motion ")
        for words in ("hear 12 00000000", "forget", "decide", "window", "stream on"):
            assert told(board, words) == [error("no-source", missing="features")], words


@pytest.mark.parametrize("kind", ["motion_6", "image"])
def test_noise(
    built: dict[str, Path], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = listener.lab(kind)
    samples = some_samples(lab, 8, 40 if kind == "image" else 2_000)
    path = tmp_path / "sensed"
    path.write_bytes(on_six_axes(samples).tobytes())
    monkeypatch.setenv("ED_FAKE_SENSED", str(path))
    words = [
        b"%", b"*", sealed("forget"), sealed("decide"), sealed("window"),
        sealed("hear 12 00000000"), sealed(f"hear 12 {crc(b'%' * 12)}") + b"%" * 12,
        sealed("hear 1200 00000000"), sealed("hear 3 1"), sealed("stream on"),
        sealed("stream on 2"), sealed("stream off"), b"hear 2 0%", b"window%", sealed("raw on"),
        sealed("run 1 0 0"), sealed("hello"), sealed("reset"), b"x" * 90,
    ]  # fmt: skip
    with Board(built[kind]) as board:
        for seed in range(4):
            chance = random.Random(seed)
            noise = bytearray()
            while len(noise) < 6_000:
                noise += chance.choice(words)
                if chance.random() < 0.3:
                    noise += chance.randbytes(chance.randrange(1, 5))
            board.send(bytes(noise))
            assert answers(board, seed)
        board.send(sealed("stream off"))
        board.until_ready()
        board.tell("forget")
        for piece, _ in pieces_of(lab, samples[:2], 1):
            hear(board, piece)
        assert window_of(board) == (window(lab, samples[:2], kind).tobytes(), 2)


@pytest.mark.parametrize("kind", ["motion_6", "vibration", "image"])
@pytest.mark.parametrize("compiler", building.host_compilers())
def test_no_compiler_complains(compiler: str, kind: str, tmp_path: Path) -> None:
    made = listener.lab(kind)
    building.compile_c(
        [compiler],
        listener.sources("host"),
        tmp_path / "firmware",
        config=listener.write_config(made, tmp_path / "config"),
        flags=["-O2", *listener.flags(made)],
    )
