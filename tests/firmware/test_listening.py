"""Firmware that listens on the host port: docs/wire.md, "Listening", sentence by sentence."""

from __future__ import annotations

import dataclasses
import os
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy.features import AudioFeatures, BadFeatureSettings
from edge_deploy.labs import Lab
from tests.firmware import building, listener
from tests.firmware.board import Board, crc, fields_of, sealed
from tests.firmware.listener import hear, scores_of, window_of
from tests.firmware.test_noise import answers

KINDS = sorted(listener.KINDS)
STRIDE = 3  # hops


@pytest.fixture(scope="module")
def built(
    host_compiler: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, bool], Path]:
    """Programs by kind of features, and whether they have a microphone."""
    found = {}
    for kind, microphone in [("mfcc", False), ("log_mel", False), ("mfcc", True)]:
        folder = tmp_path_factory.mktemp(kind)
        found[kind, microphone] = listener.build(
            [host_compiler], listener.lab(kind), folder, sensors=microphone
        )
    return found


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def board(built: dict[tuple[str, bool], Path]) -> Iterator[Board]:
    with Board(built["mfcc", False]) as running:
        yield running


def some_sound(seed: int, samples: int) -> NDArray[np.int16]:
    """Noise whose loudness and colour change, with full scale and silence in it."""
    rng = np.random.default_rng(seed)
    loud = 10 ** rng.uniform(0, 4.5, 1 + samples // 500).repeat(500)[:samples]
    sound = np.cumsum(rng.normal(size=samples)) * 0.1 + rng.normal(size=samples)
    sound[samples // 3 : samples // 2] = 0
    return np.clip(sound * loud, -32768, 32767).astype(np.int16)


def windows(lab: Lab, sound: NDArray[np.int16]) -> list[NDArray[np.int8]]:
    """The window after 0, 1, 2 ... frames: (frames, bins) each, by the host's own features."""
    settings = lab.features
    assert settings is not None
    features = AudioFeatures(settings)
    silence = features.frame(np.zeros(settings.frame_samples, np.int16))
    real = np.concatenate([np.repeat(silence[None], settings.frames, 0), features.clip(sound)])
    stored = features.quantize(real, listener.INPUT_SCALE, listener.INPUT_ZERO)
    return [
        np.ascontiguousarray(stored[end - settings.frames : end])
        for end in range(settings.frames, len(stored) + 1)
    ]


def told(board: Board, text: str) -> list[dict[str, str]]:
    return [{k: v for k, v in record.items() if k != "seq"} for record in board.tell(text)]


def error(code: str, **more: str) -> dict[str, str]:
    return {"kind": "error", "code": code} | more


def test_hello_says_how_it_listens(built: dict[tuple[str, bool], Path], kind: str) -> None:
    with Board(built[kind, False]) as board:
        lines = board.ask("hello")
    assert lines[0].startswith("ed-hello ")
    assert lines[1].startswith("ed-audio ")
    assert fields_of(lines[0])["source"] == "microphone"
    assert fields_of(lines[0])["sensors"] == "none"
    audio = fields_of(lines[1])  # its own field `kind` hides the record's
    assert {key: value for key, value in audio.items() if key != "seq"} == {
        "kind": kind,
        "rate_hz": "16000",
        "frame": "400",
        "hop": "160",
        "fft": "512",
        "mel": "20",
        "bins": "7" if kind == "mfcc" else "20",
        "frames": "9",
        "stride": str(STRIDE),
        "threshold_bits": struct.pack(">f", 0.55).hex(),
        "smooth": "3",
        "hold_off": "7",
    }


@pytest.mark.parametrize("seed", range(4))
def test_windows_of_odd_pieces_are_the_hosts_bit_for_bit(
    built: dict[tuple[str, bool], Path], kind: str, seed: int
) -> None:
    lab = listener.lab(kind)
    assert lab.features is not None
    sound = some_sound(seed, 16_000)
    host = windows(lab, sound)
    sizes = random.Random(seed)
    seen = set()
    with Board(built[kind, False]) as board:
        assert window_of(board) == (host[0].tobytes(), 0)
        at = 0
        while at < sound.size:
            piece = sound[at : at + sizes.choice([1, 7, 159, 160, 161, 400, 1599, 1600])]
            hear(board, piece)
            at += piece.size
            frames = AudioFeatures(lab.features).frames(at)
            assert window_of(board) == (host[frames].tobytes(), frames)
            seen.add(host[frames].tobytes())
    assert len(seen) > 8


def test_decide_is_the_models_answer_to_the_window(
    built: dict[tuple[str, bool], Path], kind: str
) -> None:
    lab = listener.lab(kind)
    sound = some_sound(9, 8_000)
    host = windows(lab, sound)
    with Board(built[kind, False]) as board:
        for n, (at, frames) in enumerate([(0, 0), (399, 0), (400, 1), (1000, 4), (1600, 8)]):
            board.tell("forget")
            if at:
                hear(board, sound[:at])
            for again in range(2):
                (result,) = told(board, "decide")
                out = scores_of(host[frames], len(lab.labels))
                assert result["kind"] == "result", n
                assert result["out"] == out.tobytes().hex()
                assert int(result["top"]) == int(out.argmax())
                real = np.float32(listener.OUTPUT_SCALE) * np.float32(int(out.max()) + 128)
                assert result["top_bits"] == struct.pack(">f", real).hex()
                assert (result["n"], result["overruns"], result["lost"]) == (str(again), "0", "0")
                assert not {"heard", "score_bits", "in"} & set(result)
                times = ("t_us", "dsp_us", "inference_us", "post_us")
                assert all(int(result[key]) >= 0 for key in times)


def test_samples_and_decisions_take_the_loaded_inputs_place(board: Board) -> None:
    data = random.Random(1).randbytes(63)
    hear(board, some_sound(1, 1600))
    window = window_of(board)
    board.load(data)
    assert told(board, "run 1 0 0")[-1]["in_crc"] == crc(data)
    assert window_of(board) == window  # the window is kept apart from the model's input
    told(board, "decide")
    assert told(board, "run 1 0 0") == [error("no-input")]
    assert board.ask("results")[0].startswith("e-[")
    assert window_of(board) == window
    board.load(data)
    hear(board, some_sound(1, 2))
    assert told(board, "run 1 0 0") == [error("no-input")]
    assert board.ask("db load 63") == ["m-[Expecting 63 bytes]"]
    board.ask(f"db {data[:31].hex()}")
    hear(board, some_sound(1, 2))
    assert board.ask(f"db {data[31:62].hex()}") == ["e-[No db load before]"]


def test_forget_forgets_all(board: Board) -> None:
    silence = window_of(board)
    first = told(board, "decide")[0]
    hear(board, some_sound(1, 1000))
    hear(board, some_sound(2, 399))
    assert window_of(board) != silence
    assert told(board, "forget") == []
    assert window_of(board) == silence
    hear(board, some_sound(3, 399))  # were samples kept, this would make a frame
    assert window_of(board)[1] == 0
    assert told(board, "decide")[0]["out"] == first["out"]
    assert told(board, "decide")[0]["n"] == "1"


def test_what_is_wrong_is_told_and_changes_nothing(board: Board) -> None:
    hear(board, some_sound(1, 1000))
    window = window_of(board)
    size = error("size", want="3200")
    for count in (0, 1, 3, 3199, 3201, 3202, 2**32 - 1):
        assert told(board, f"hear {count} 00000000") == [size], count
    for words in (
        "hear", "hear 2", "hear x 00000000", "hear 2 0000000", "hear 2 00000000 1",
        "hear 4294967296 00000000", "forget 1", "decide 1", "window 1",
    ):  # fmt: skip
        assert told(board, words) == [error("range")], words
    for words in ("hear 2 00000000", "forget", "decide", "window"):
        assert fields_of(board.ask(words)[0])["code"] == "crc"
    assert window_of(board) == window


def test_an_upload_that_fails_leaves_the_window_as_it_was(board: Board) -> None:
    sound = some_sound(4, 1000)
    host = windows(listener.lab("mfcc"), sound)
    hear(board, sound[:500])
    data = sound[500:].tobytes()
    board.send(sealed(f"hear {len(data)} 01234567") + data)
    go, failed = (fields_of(line) for line in board.until_ready())
    assert (go["kind"], failed["code"], failed["crc"]) == ("go", "data", crc(data))
    board.send(sealed(f"hear {len(data)} {crc(data)}") + data[:-1])
    start = time.monotonic()
    go, failed = (fields_of(line) for line in board.until_ready())
    assert time.monotonic() - start > 0.45
    assert (failed["code"], failed["have"]) == ("timeout", str(len(data) - 1))
    hear(board, sound[500:])
    assert window_of(board) == (host[4].tobytes(), 4)


def test_a_stream_without_a_microphone_says_so(board: Board) -> None:
    hear(board, some_sound(1, 1000))
    window = window_of(board)
    assert told(board, "stream on") == [error("no-source", missing="microphone")]
    assert told(board, "stream on 3") == [error("no-source", missing="microphone")]
    assert told(board, "stream off") == []
    assert window_of(board) == window


def test_a_microphone_of_another_rate_is_refused(
    built: dict[tuple[str, bool], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ED_FAKE_RATE", "44100")
    with Board(built["mfcc", True]) as board:
        assert told(board, "stream on") == [error("no-source", rate_hz="44100")]


def test_features_that_cannot_be_computed_are_told(host_compiler: str, tmp_path: Path) -> None:
    lab = listener.lab("mfcc")
    assert lab.features is not None
    narrow = dataclasses.replace(lab.features, low_hz=100.0, high_hz=200.0)
    with pytest.raises(BadFeatureSettings):
        AudioFeatures(narrow)
    made = dataclasses.replace(lab, features=narrow)
    with Board(listener.build([host_compiler], made, tmp_path)) as board:
        for words in ("hear 2 00000000", "forget", "decide", "window", "stream on"):
            assert told(board, words) == [error("no-source", missing="features")], words
        board.load(bytes(63))
        assert told(board, "run 1 0 0")[-1]["kind"] == "done"


def test_firmware_that_does_not_listen_knows_none_of_it(firmware: Path) -> None:
    with Board(firmware) as board:
        for words in ("hear 2 00000000", "forget", "decide", "window"):
            assert told(board, words) == [error("unknown")]
        assert board.ask("decide") == ["e-[Unknown command: decide]"]
        assert not [line for line in board.ask("hello") if line.startswith("ed-audio")]


def decisions(lab: Lab, outs: list[NDArray[np.int8]], frames: list[int]) -> list[tuple[int, str]]:
    """(label, score_bits) or (-1, "") for each result: docs/wire.md, once more in Python."""
    decision = lab.decision
    assert decision is not None
    made, last = [], -1_000_000
    for end in range(1, len(outs) + 1):
        rows = np.array(outs[max(0, end - decision.smooth) : end], np.int64)
        sums = rows.sum(axis=0) - len(rows) * listener.OUTPUT_ZERO
        top = int(sums.argmax())
        score = np.float32(listener.OUTPUT_SCALE) * np.float32(sums[top])
        score = score / np.float32(decision.smooth)
        held = (frames[end - 1] - last) * 10 < decision.hold_off_ms
        if (
            len(rows) < decision.smooth
            or held
            or lab.labels[top] in decision.ignore
            or score < np.float32(decision.threshold)
        ):
            made.append((-1, ""))
        else:
            last = frames[end - 1]
            made.append((top, struct.pack(">f", score).hex()))
    return made


def stream(program: Path, sound: NDArray[np.int16], folder: Path, results: int):
    """The results of a stream from a microphone that hears `sound`."""
    path = folder / "sound"
    path.write_bytes(sound.astype("<i2").tobytes())
    os.environ["ED_FAKE_SENSED"] = str(path)
    with Board(program) as board:
        assert board.tell("hello")[0]["sensors"] == "microphone,imu,camera"
        hear(board, some_sound(77, 1000))  # a stream begins with a cleared window
        assert board.tell(f"stream on {results}") == []
        found = [fields_of(board.line()) for _ in range(results)]
        end = fields_of(board.line())
        assert (end["kind"], end["state"], end["n"]) == ("stream", "off", str(results))
        window = window_of(board)
    assert {record["kind"] for record in found} == {"result"}
    return found, window


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ED_FAKE_SENSED", "ED_FAKE_LATE", "ED_FAKE_LOST", "ED_FAKE_RATE"):
        monkeypatch.setenv(name, "")  # so that it is put back, whatever a test sets
        monkeypatch.delenv(name)


def test_a_stream_from_a_microphone(built: dict[tuple[str, bool], Path], tmp_path: Path) -> None:
    lab = listener.lab("mfcc")
    sound = some_sound(5, 160_000)
    host = windows(lab, sound)
    results, window = stream(built["mfcc", True], sound, tmp_path, 330)
    frames = [(n + 1) * STRIDE for n in range(330)]
    outs = [scores_of(host[frame], len(lab.labels)) for frame in frames]
    assert [result["out"] for result in results] == [out.tobytes().hex() for out in outs]
    assert [result["n"] for result in results] == [str(n) for n in range(330)]
    assert {(result["overruns"], result["lost"]) for result in results} == {("0", "0")}
    found = [(int(r.get("heard", -1)), r.get("score_bits", "")) for r in results]
    assert found == decisions(lab, outs, frames)
    assert 5 < sum(label >= 0 for label, _ in found) < 300
    assert window == (host[frames[-1]].tobytes(), frames[-1])


def test_a_stream_knows_nothing_of_the_one_before(
    built: dict[tuple[str, bool], Path], tmp_path: Path
) -> None:
    """Neither its scores, nor that it decided something a moment ago."""
    path = tmp_path / "sound"
    path.write_bytes(some_sound(5, 160_000).astype("<i2").tobytes())
    os.environ["ED_FAKE_SENSED"] = str(path)
    keys = ("n", "out", "heard", "score_bits")
    with Board(built["mfcc", True]) as board:
        said = []
        heard_last = 0
        for _ in range(2):
            for results in range(1, 40):
                # Ended at a decision, so that its hold-off would reach into the next stream.
                assert board.tell(f"stream on {results}") == []
                records = [fields_of(board.line()) for _ in range(results)]
                assert fields_of(board.line())["kind"] == "stream"
                said.append([tuple(record.get(key) for key in keys) for record in records])
                heard_last += "heard" in records[-1]
    longest = said[38]
    assert heard_last > 2
    assert all(one == longest[: len(one)] for one in said)


def test_strides_that_are_late_are_skipped_and_losses_counted(
    built: dict[tuple[str, bool], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = listener.lab("mfcc")
    sound = some_sound(6, 40_000)
    host = windows(lab, sound)
    ends = [400 + 160 * (STRIDE * (stride + 1) - 1) for stride in range(60)]  # in samples
    late, lossy = (5, 6, 20), (10, 6, 30, 31)
    monkeypatch.setenv("ED_FAKE_LATE", ",".join(str(ends[stride]) for stride in late))
    monkeypatch.setenv("ED_FAKE_LOST", ",".join(str(ends[stride] - 9) for stride in lossy))
    results, _ = stream(built["mfcc", True], sound, tmp_path, 40)
    strides = [stride for stride in range(43) if stride not in late]
    assert [r["out"] for r in results] == [
        scores_of(host[(stride + 1) * STRIDE], len(lab.labels)).tobytes().hex()
        for stride in strides
    ]
    missed = [len([s for s in {*late, *lossy} if s <= stride]) for stride in strides]
    lost = [100 * len([s for s in lossy if s <= stride]) for stride in strides]
    assert [int(r["overruns"]) for r in results] == missed
    assert [int(r["lost"]) for r in results] == lost


@pytest.mark.parametrize("command", ["forget", "decide", "hear", "stream off", "load"])
def test_what_ends_a_stream(
    built: dict[tuple[str, bool], Path], tmp_path: Path, command: str
) -> None:
    path = tmp_path / "sound"
    path.write_bytes(some_sound(7, 800).tobytes())  # then nothing comes any more
    os.environ["ED_FAKE_SENSED"] = str(path)
    words = {"hear": f"hear 2 {crc(b'ab')}", "load": f"load 63 {crc(bytes(63))}"}
    data = {"hear": b"ab", "load": bytes(63)}
    with Board(built["mfcc", True]) as board:
        board.send(sealed("stream on"))
        assert board.until_ready() == []
        assert fields_of(board.line())["kind"] == "result"
        assert board.tell("window")[-1]["frames"] == "3"  # only looks
        board.send(sealed(words.get(command, command)) + data.get(command, b""))
        first = fields_of(board.until_ready()[0])
        assert (first["kind"], first["state"], first["n"]) == ("stream", "off", "1")
        assert window_of(board)[1] == (0 if command == "forget" else 3)


WORDS = [
    b"%", b"*", sealed("forget"), sealed("decide"), sealed("window"), sealed("hear 4 00000000"),
    sealed(f"hear 4 {crc(b'%%%%')}") + b"%%%%", sealed("hear 3200 00000000"), sealed("hear 3 1"),
    sealed("stream on"), sealed("stream on 2"), sealed("stream off"), b"hear 2 0%", b"window%",
    sealed("load 63 00000000"), sealed("run 1 0 0"), sealed("hello"), sealed("reset"), b"x" * 90,
]  # fmt: skip


@pytest.mark.parametrize("microphone", [False, True])
def test_noise(built: dict[tuple[str, bool], Path], tmp_path: Path, microphone: bool) -> None:
    path = tmp_path / "sound"
    path.write_bytes(some_sound(8, 20_000).tobytes())
    os.environ["ED_FAKE_SENSED"] = str(path)
    with Board(built["mfcc", microphone]) as board:
        for seed in range(8):
            chance = random.Random(seed)
            noise = bytearray()
            while len(noise) < 8_000:
                noise += chance.choice(WORDS)
                if chance.random() < 0.3:
                    noise += chance.randbytes(chance.randrange(1, 5))
            board.send(bytes(noise))
            assert answers(board, seed)
        board.send(sealed("stream off"))
        board.until_ready()
        board.tell("forget")
        sound = some_sound(seed, 1600)
        hear(board, sound)
        assert window_of(board) == (windows(listener.lab("mfcc"), sound)[8].tobytes(), 8)


def test_frames_that_do_not_overlap_keep_nothing_of_each_other(
    host_compiler: str, tmp_path: Path
) -> None:
    lab = listener.lab("log_mel")
    assert lab.audio is not None
    made = dataclasses.replace(
        lab,
        source=dataclasses.replace(lab.source, stride_ms=50),
        features=dataclasses.replace(lab.audio, hop_samples=lab.audio.frame_samples),
    )
    program = listener.build([host_compiler], made, tmp_path)
    sound = some_sound(1, 8_000)
    host = windows(made, sound)
    with Board(program) as board:
        for first in range(0, sound.size, 700):
            hear(board, sound[first : first + 700])
            frames = min(first + 700, sound.size) // lab.audio.frame_samples
            assert window_of(board) == (host[frames].tobytes(), frames)


@pytest.mark.parametrize("compiler", building.host_compilers())
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_no_compiler_complains(compiler: str, level: str, kind: str, tmp_path: Path) -> None:
    made = listener.lab(kind)
    building.compile_c(
        [compiler],
        listener.sources("host"),
        tmp_path / "firmware",
        config=listener.write_config(made, tmp_path / "config"),
        flags=[level, *listener.flags(made)],
    )
