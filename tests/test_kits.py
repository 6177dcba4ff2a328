"""kit.yaml is told of with its line where it is wrong; what ships agrees with everything else."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edge_deploy import boards, kits, yamlfile
from edge_deploy.errors import Exit
from edge_deploy.kits import Kit
from edge_deploy.yamlfile import BadFile

ROOT = Path(__file__).resolve().parents[1]
PORTS = ROOT / "firmware" / "src" / "ports" / "arduino"

GOOD = """\
board: mine
variants: [plain, rich]
sources: {page: "A page"}
by_hand: {do: "press R", shows: "a light", source: page}
header: {left: [D0, GND], right: [5V, "D1 SDA"], source: page}
parts:
  - {kind: led, name: "LED", variants: [plain, rich], bus: gpio,
     pins: {on_at_low: D0}, used: false, source: page}
  - {kind: imu, name: "X1", variants: [rich], carrier: "shield", bus: i2c,
     address: 0x6A, used: true, note: "n", source: page}
selftest:
  memory: {looks_at: "RAM"}
  imu: {looks_at: "1 g", person: "tilt it"}
"""


def read(text: str) -> Kit:
    return kits.read(yamlfile.read(text.encode(), file=Path("kit.yaml")), Path("mine"))


def test_everything_comes_out():
    kit = read(GOOD)
    assert (kit.board, kit.variants, kit.readme) == (
        "mine",
        ("plain", "rich"),
        Path("mine/README.md"),
    )
    assert kit.by_hand.text == "press R: a light"
    assert kit.header.right == ("5V", "D1 SDA")
    led, imu = kit.parts
    assert (led.where, led.carrier, led.note) == ("gpio, on at low D0", kits.ITSELF, "")
    assert (imu.where, imu.carrier, imu.used) == ("i2c 0x6a", "shield", True)
    assert [check.name for check in kit.checks_of("plain")] == ["memory"]
    assert [check.person for check in kit.checks_of("rich")] == ["", "tilt it"]


def test_nothing_may_be_to_be_seen():
    kit = read(GOOD.replace(', shows: "a light"', ""))
    assert kit.by_hand.text == "press R"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("board: mine", "board: yours", "line 1: board: this folder is mine"),
        ("[plain, rich]\ns", "[plain, plain]\ns", "line 2: variants[1]: plain is on line 2"),
        ('{page: "A page"}', '{page: "A", b: "B"}', "line 3: sources: b: no value names"),
        ('do: "press R"', 'do: "Press R"', "line 4: by_hand.do: expected a part of a sentence"),
        ('shows: "a light"', 'shows: "a light."', "line 4: by_hand.shows: expected a part"),
        ("source: page}\nheader", "source: pge}\nheader", "did you mean page?"),
        ("left: [D0, GND]", "left: [D0]", "line 5: header: 1 pins are on the left, and 2"),
        ("left: [D0, GND]", "left: []", "line 5: header.left: expected a list of 1 or more"),
        ("kind: led", "kind: lamp", "line 7: parts[0].kind: expected one of"),
        ("[plain, rich], bus", "[plain, rch], bus", "line 7: parts[0].variants[1]: expected one"),
        ("bus: gpio", "bus: gpio, address: 1", "line 7: parts[0].address: a part on gpio has no"),
        ("address: 0x6A", "address: 0x80", "line 10: parts[1].address: expected a whole number"),
        ("address: 0x6A", "addres: 0x6A", "line 10: parts[1].addres: unknown key"),
        ("used: true", "used: yes", "line 10: parts[1].used: expected true or false"),
        ("  imu: {", "  camera: {", "line 13: selftest.camera: no part is of the kind camera"),
        ("  imu: {", "  smell: {", "line 13: selftest.smell: unknown check"),
        ('looks_at: "1 g", ', "", "line 13: selftest.imu: looks_at: missing"),
    ],
)
def test_a_mistake_is_told_with_its_line(old, new, complaint):
    assert old in GOOD
    with pytest.raises(BadFile) as caught:
        read(GOOD.replace(old, new))
    assert complaint in caught.value.message
    assert caught.value.exit_code is Exit.BAD_INPUT


def test_a_board_may_have_no_kit():
    assert kits.find("pi") is None
    assert [kit.board for kit in kits.load_all()] == ["nano33", "xiao_esp32s3"]


def test_every_board_that_is_flashed_over_usb_has_a_kit():
    assert {b.name for b in boards.load_all().values() if b.usb_ids} == {
        kit.board for kit in kits.load_all()
    }


@pytest.mark.parametrize("kit", kits.load_all(), ids=lambda kit: kit.board)
def test_parts_are_those_of_boards_yaml(kit):
    """What boards.yaml says is fitted is what the kit lists, variant by variant."""
    board = boards.load(kit.board)
    assert tuple(board.variants) == kit.variants
    for name, variant in board.variants.items():
        found: dict[str, set[str]] = {}
        for part in kit.parts:
            if name in part.variants and part.kind in boards.PARTS:
                found.setdefault(part.kind, set()).add(part.name)
        if kit.board == "nano33":
            assert found.pop("camera") == {"OV7675"}  # of the shield, which boards.yaml leaves out
        assert set(found) == set(variant.parts)
        for kind, fitted in variant.parts.items():
            assert found[kind] in ({fitted}, set(fitted.split(" and ")))


@pytest.mark.parametrize("kit", kits.load_all(), ids=lambda kit: kit.board)
def test_addresses_and_pins_are_those_of_the_firmware(kit):
    """A part that our firmware uses is asked at the address, and on the pins, that are listed."""
    source = "".join(path.read_text() for path in sorted(PORTS.glob("*.cpp")))
    for part in kit.parts:
        if part.used and part.address is not None:
            assert re.search(rf"\b0x{part.address:02X}\b", source), part.name
    if kit.board == "nano33":
        camera = next(part for part in kit.parts if part.kind == "camera")
        # The core's numbers: TX is 0 and RX is 1.
        numbers = {"TX": "0", "RX": "1"} | {pin: pin for pin in ("A0", "A1")}
        pins = {name: numbers.get(pin, pin[1:]) for name, pin in camera.pins.items()}
        assert f"DATA[] = {{{', '.join(pins[f'd{bit}'] for bit in range(8))}}};" in source
        for name in ("xclk", "vsync", "href", "pclk"):
            assert f"{name.upper()} = {pins[name]}" in source
    if kit.board == "xiao_esp32s3":
        camera = next(part for part in kit.parts if part.kind == "camera")
        names = {"sda": "sccb_sda", "scl": "sccb_scl"}
        for signal, pin in camera.pins.items():
            number = pin.removeprefix("GPIO")
            assert f"config.pin_{names.get(signal, signal)} = {number};" in source
        microphone = next(part for part in kit.parts if part.kind == "microphone")
        clock, data = (microphone.pins[key].removeprefix("GPIO") for key in ("clock", "data"))
        assert f"MICROPHONE_CLOCK = {clock}, MICROPHONE_DATA = {data};" in source


def _drawn() -> dict[Path, str]:
    """What docs/pictures/kits.py draws now."""
    spec = importlib.util.spec_from_file_location("kits_drawn", ROOT / "docs/pictures/kits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        kit.folder / name: picture
        for kit in kits.load_all()
        for name, picture in module.pictures(kit).items()
    }


def test_pictures_are_what_kit_yaml_says():
    for path, picture in _drawn().items():
        assert path.read_text(encoding="utf-8") == picture, "run python docs/pictures/kits.py"
        words = " ".join(ET.fromstring(picture).itertext())
        if path.name == "wiring.svg":
            kit = kits.find(path.parent.name)
            assert kit is not None
            for part in kit.parts:
                assert part.name in words
            for pin in (*kit.header.left, *kit.header.right):
                assert pin in words


@pytest.mark.parametrize("kit", kits.load_all(), ids=lambda kit: kit.board)
def test_the_readme_has_what_a_person_looks_for(kit):
    text = kit.readme.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert headings == [
        "Parts",
        "Wiring",
        "First light",
        "Sensors",
        "On a battery",
        "Power meter",
        "Troubleshooting",
    ]
    assert "| Symptom | Cause | Fix |" in text
    assert kit.by_hand.action[1:] in " ".join(text.split()), "as kit.yaml says it"
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (kit.folder / target).exists(), target
    for part in kit.parts:
        if part.kind in boards.PARTS:
            assert all(word in text for word in re.split(r" or |, ", part.name.split("x40")[0]))
