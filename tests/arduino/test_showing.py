"""What a person sees on the boards: docs/arduino_port.md, "What it shows".

A sketch gives the port's ed_port_show() what the firmware would. The LEDs' pins are written down,
and so is what the fake display shows, which is held against the letters of ed_font.c put where
the page says.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from tests.firmware import building

PORT = building.SOURCES / "ports" / "arduino"
RED, GREEN, BLUE, ORANGE = 22, 23, 24, 13  # pins of a Nano 33 BLE
LED = 21  # of a XIAO
NANO, XIAO = building.NANO33, building.XIAO
OWN = {NANO: ["nano33_show"], XIAO: ["xiao_show", "ssd1306", "bus"]}


@pytest.fixture(scope="module")
def sketches(tmp_path_factory):
    """Programs by the macro of their board."""
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    made = {}
    for board, own in OWN.items():
        folder = tmp_path_factory.mktemp("sketch")
        objects = [
            folder / "ed_font.o",
            *building.fake_core(folder, board=board, flags=building.SANITIZERS),
        ]
        building.compile_c(
            ["gcc"], [PORT / "ed_font.c"], objects[0], flags=[*building.SANITIZERS, "-c"]
        )
        sketch = building.ARDUINO / "sketches" / "show.cpp"
        for file in (sketch, *(PORT / f"{name}.cpp" for name in own)):
            objects.append(folder / f"{file.stem}.o")
            building.compile_cpp("g++", file, objects[-1], board=board, flags=building.SANITIZERS)
        made[board] = folder / "sketch"
        words = ["g++", *building.SANITIZERS, *map(str, objects), "-lpthread", "-o"]
        assert subprocess.run([*words, str(made[board])], timeout=120, check=False).returncode == 0
    return made


def shown(pins, display):
    """What the files of ED_FAKE_PINS and ED_FAKE_DISPLAY have: (pin, value), and pictures."""
    pins, pictures = (
        file.read_text().splitlines() if file.exists() else [] for file in (pins, display)
    )
    rows = np.array([[c == "#" for c in line] for line in pictures], bool)
    return [tuple(map(int, line.split())) for line in pins], rows.reshape(-1, 40, 72)


@pytest.fixture
def show(sketches, tmp_path, monkeypatch):
    """Show these in turn on a board; returns pins that were set, with values, and pictures."""

    def on(board, *lines):
        said = "".join(f"{line}\n" for line in ("0", *lines))  # a boot begins with dark
        files = {name: tmp_path / name for name in ("ED_FAKE_PINS", "ED_FAKE_DISPLAY")}
        for name, file in files.items():
            file.unlink(missing_ok=True)
            monkeypatch.setenv(name, str(file))
        done = subprocess.run(
            [sketches[board]], input=said.encode(), capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return shown(*files.values())

    return on


def lit(pins):
    """Which of a Nano's LEDs are on after all these; three are at low."""
    state = {RED: 255, GREEN: 255, BLUE: 255, ORANGE: 0} | dict(pins)
    return {pin for pin, value in state.items() if (value == 255) == (pin == ORANGE)}


COLOURS = [
    {GREEN}, {RED}, {BLUE}, {RED, GREEN}, {GREEN, BLUE}, {RED, BLUE}, {RED, GREEN, BLUE},
]  # fmt: skip


@pytest.mark.parametrize("colour", [*range(15), 20, 21])
def test_a_nanos_colours(show, colour):
    wanted = COLOURS[colour % 7] | ({ORANGE} if colour // 7 % 2 else set())
    assert lit(show(NANO, f"word\t97 %\t{colour}")[0]) == wanted
    assert lit(show(NANO, f"word\t97 %\t{colour}", "0")[0]) == set()


def test_what_is_lit_already_is_not_switched_again(show):
    once, _ = show(NANO, "yes\t97 %\t0")
    again, _ = show(NANO, "yes\t97 %\t0", "yes\t98 %\t0")
    assert again == once
    assert show(NANO)[0] == show(NANO, "0", "0")[0] == []  # dark from the start: no pin is touched


@pytest.mark.parametrize(("board", "pin", "turn"), [(NANO, ORANGE, 0), (XIAO, LED, 255)])
def test_a_brightness(show, board, pin, turn):
    levels = [128, 255, 1, 0, 77, 0]
    pins, pictures = show(board, *map(str, levels))
    assert pins == [(pin, abs(turn - level)) for level in levels]
    assert not pictures.any()


# -- the display -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def font(tmp_path_factory):
    """Letters as pictures of 8 x 5."""
    made = building.compile_c(
        building.host_compilers()[:1],
        [PORT / "ed_font.c"],
        tmp_path_factory.mktemp("font") / "font.so",
        flags=["-fPIC", "-shared"],
    )
    library = ctypes.CDLL(str(made))
    library.ed_font_letter.restype = ctypes.POINTER(ctypes.c_uint8 * 5)

    def letter(character):
        columns = library.ed_font_letter(ctypes.c_char(character.encode()[:1])).contents
        return np.array([[column >> row & 1 for column in columns] for row in range(8)], bool)

    return letter


def picture(font, *lines):
    """72 x 40 with lines of text, each centred, from a row on, so wide and so tall."""
    made = np.zeros((40, 72), bool)
    for text, top, wide, tall in lines:
        gap = np.zeros((8, 1), bool)
        row = np.hstack([part for character in text for part in (font(character), gap)])[:, :-1]
        row = row.repeat(tall, 0).repeat(wide, 1)
        left = (72 - row.shape[1]) // 2
        made[top : top + row.shape[0], left : left + row.shape[1]] = row
    return made


LAYOUTS = [
    ("yes", "97 %", [("yes", 0, 2, 2), ("97 %", 24, 2, 2)]),
    ("silent", "100 %", [("silent", 0, 2, 2), ("100 %", 24, 2, 2)]),
    ("anomaly", "3.438", [("anomaly", 0, 1, 2), ("3.438", 24, 2, 2)]),
    ("twelve chars", "7 %", [("twelve chars", 0, 1, 2), ("7 %", 24, 2, 2)]),
    ("avada_kedavra", "61 %", [("avada_", 0, 1, 2), ("kedavra", 16, 1, 2), ("61 %", 32, 1, 1)]),
    (
        "arresto_momentum",
        "-12.345",
        [("arresto_", 0, 1, 2), ("momentum", 16, 1, 2), ("-12.345", 32, 1, 1)],
    ),
    (
        "a_very_long_label_indeed",
        "9 %",
        [("a_very_long_", 0, 1, 2), ("label_indeed", 16, 1, 2), ("9 %", 32, 1, 1)],
    ),
    ("nobreakanywhereinthisone", "9 %", [
        ("nobreakanywh", 0, 1, 2), ("ereinthisone", 16, 1, 2), ("9 %", 32, 1, 1),
    ]),
    ("0", "-1234.5", [("0", 0, 2, 2), ("-1234.5", 24, 1, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("label", "score", "lines"), LAYOUTS, ids=[each[0] for each in LAYOUTS])
def test_a_label_and_its_score(show, font, label, score, lines):
    pins, pictures = show(XIAO, f"{label}\t{score}\t0", "0")
    assert pins == [(LED, 0), (LED, 255)]  # on at low
    *_, last, dark = pictures
    assert np.array_equal(last, picture(font, *lines))
    assert not dark.any()


def test_the_next_label_leaves_nothing_of_the_last(show, font):
    pins, pictures = show(XIAO, "avada_kedavra\t61 %\t3", "no\t7 %\t1")
    assert np.array_equal(pictures[-1], picture(font, ("no", 0, 2, 2), ("7 %", 24, 2, 2)))
    assert pins == [(LED, 0)]


def test_a_board_without_the_display(show, monkeypatch):
    monkeypatch.setenv("ED_FAKE_CHIPS", "3c")
    pins, pictures = show(XIAO, "no\t7 %\t1", "0")
    assert pins == [(LED, 0), (LED, 255)]
    assert not len(pictures)
