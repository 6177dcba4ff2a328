"""What a person at the board sees: docs/arduino_port.md, "What it shows".

On the host port, whose firmware/test/fake_parts.c writes down each thing that it is to show.
"""

from __future__ import annotations

import dataclasses
import struct
import subprocess
from pathlib import Path

import pytest

from edge_deploy import boards
from edge_deploy.build import config
from edge_deploy.labs import Lab
from edge_deploy.sensing import SourceSettings
from tests.firmware import building, listener
from tests.firmware.board import Board, fields_of
from tests.firmware.listener import SCALES, hear
from tests.firmware.test_listening import some_sound
from tests.firmware.test_sensing import on_six_axes, some_samples

DARK = "level 0"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that gets a line each time something is shown."""
    monkeypatch.setenv("ED_FAKE_SHOWN", str(tmp_path / "shown"))
    return tmp_path / "shown"


def test_what_is_shown_and_when(host_compiler: str, tmp_path: Path) -> None:
    made = listener.write_config(listener.lab("mfcc"), tmp_path / "config")
    app = building.SOURCES / "app"
    names = ("ed_show", "ed_decision", "ed_labels", "ed_tensor")
    sources = [building.TESTS / "test_show.c", building.TESTS / "fake_listener.c"]
    sources += [app / f"{name}.c" for name in names] + building.wire_sources()
    sources.append(building.TESTS / "fake_port.c")
    built = building.compile_c(
        [host_compiler], sources, tmp_path / "show", config=made, flags=building.SANITIZERS
    )
    done = subprocess.run([built], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def built(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Programs by the kind of their lab, with sensors that sense a file."""
    return {
        kind: listener.build(
            [host_compiler],
            lab(kind),
            tmp_path_factory.mktemp(kind),
            sensors=True,
            parts=True,
            scale=SCALES.get(kind, listener.INPUT_SCALE),
        )
        for kind in KINDS
    }


KINDS = ["mfcc", "strength"]  # one with five labels, one with a single one
RESULTS = 300
ODD = ("silence", "größer als 9", "a=b % c[*]", "for_ever_and_ever_and_a_day", "stop")


def lab(kind: str) -> Lab:
    made = listener.lab(kind)
    return dataclasses.replace(made, labels=ODD) if kind == "mfcc" else made


@pytest.fixture(autouse=True)
def _sensed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than RESULTS results of either lab."""
    sound = some_sound(5, 160 * (3 * RESULTS + 60))
    (tmp_path / "mfcc").write_bytes(sound.tobytes())
    motion = some_samples(listener.lab("strength"), 5, 20 * (RESULTS + 20))
    (tmp_path / "strength").write_bytes(on_six_axes(motion).tobytes())
    for name in ("ED_FAKE_LATE", "ED_FAKE_LOST", "ED_FAKE_RATE"):
        monkeypatch.delenv(name, raising=False)


def decided(kind: str, records: list[dict[str, str]]) -> list[str]:
    """What a stream of these results has shown, if it went through in less than three seconds."""
    labels = lab(kind).labels
    found: list[str] = []
    for record in records:
        if "heard" in record:
            (score,) = struct.unpack(">f", bytes.fromhex(record["score_bits"]))
            number = int(record["heard"])
            # Silence, the first of five labels, is never decided; one alone is red, the second.
            colour = number - 1 if len(labels) > 1 else 1
            label = labels[number].encode("ascii", "replace").decode()[:24]
            line = f"{label}, {int(score * 100 + 0.5)} %, colour {colour}"
            found += [line] if not found or found[-1] != line else []
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_decisions_of_a_stream_without_an_end_are_shown(
    built: dict[str, Path], kind: str, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ED_FAKE_SENSED", str(shown.parent / kind))
    with Board(built[kind]) as board:
        assert shown.read_text().splitlines() == [DARK]
        assert board.tell("stream on") == []
        found = [fields_of(board.line()) for _ in range(RESULTS)]
        board.tell("stream off")
    wanted = decided(kind, found)
    assert len(set(wanted)) > 4
    lines = shown.read_text().splitlines()
    # What is sensed lasts for some results more.
    assert [line for line in lines if line != DARK][: len(wanted)] == wanted
    assert lines[-1] == DARK


def test_measurements_show_nothing(
    built: dict[str, Path], shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ED_FAKE_SENSED", str(shown.parent / "mfcc"))
    with Board(built["mfcc"]) as board:
        assert board.tell("stream on 100") == []
        found = [fields_of(board.line()) for _ in range(100)]
        assert decided("mfcc", found)  # a stream without an end would have shown it
        assert fields_of(board.line())["state"] == "off"
        hear(board, some_sound(5, 1600))
        board.tell("decide")
        board.load(bytes(9 * 7))
        board.tell("run 5 5 1")
        board.ask("infer 2 2")
    assert shown.read_text().splitlines() == [DARK]


# -- the ramp ---------------------------------------------------------------------------------

RAMP = SourceSettings(kind="ramp", from_=-4, to=4, steps=16, period_ms=2)


def ramp(compiler: str, folder: Path, *, outputs: int) -> Path:
    """A lab as `hello`, whose model of 3 inputs has so many outputs of 8 bits."""
    made = folder / "config"
    made.mkdir()
    (made / config.FILE).write_text(config.emit(boards.load("nano33"), "host", (), RAMP))
    sizes = {
        "ARENA_BYTES": 512,
        "INPUT_BYTES": 3,
        "OUTPUT_BYTES": outputs,
        "INPUT_PRESERVED": 0,
        "LAYERS": 1,
        "STATE_BYTES": 0,
    }
    lines = [f"#define ED_MODEL_{name} {value}\n" for name, value in sizes.items()]
    (made / "ed_model_config.h").write_text("".join(lines))
    sources = listener.sources("host", parts=True)
    flags = [*building.SANITIZERS, "-DFAKE_FIRST=1"]
    return building.compile_c([compiler], sources, folder / "ramp", config=made, flags=flags)


def levels(shown: Path) -> list[int]:
    return [int(line.split()[1]) for line in shown.read_text().splitlines()]


def test_a_ramp_shows_its_output_as_a_brightness(
    host_compiler: str, shown: Path, tmp_path: Path
) -> None:
    with Board(ramp(host_compiler, tmp_path, outputs=1)) as board:
        assert board.tell("stream on") == []
        found = [fields_of(board.line()) for _ in range(40)]
        board.tell("stream off")
        streamed = levels(shown)
        board.tell("stream on 20")
        board.tell("hello")
    wanted = [0]
    for record in found:
        level = (int(record["out"], 16) + 128) % 256  # as stored, from -128 to 127
        wanted += [level] if level != wanted[-1] else []
    assert len(set(wanted)) > 10
    assert streamed[: len(wanted)] == wanted
    assert streamed[-1] == 0
    assert levels(shown) == streamed


def test_an_output_of_several_numbers_is_no_brightness(
    host_compiler: str, shown: Path, tmp_path: Path
) -> None:
    with Board(ramp(host_compiler, tmp_path, outputs=2)) as board:
        assert board.tell("stream on") == []
        assert fields_of(board.line())["kind"] == "result"
        board.tell("stream off")
    assert levels(shown) == [0]
