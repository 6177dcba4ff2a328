"""The whole firmware on a Xtensa core, spoken to as docs/wire.md says."""

from __future__ import annotations

import pytest

from tests.firmware import board, building
from tests.xtensa import machine


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    machine.needed()
    sources = building.firmware_sources("template")
    ported = [path for path in sources if "ports" not in path.parts]
    return machine.image(
        tmp_path_factory.mktemp("xtensa"),
        [*ported, machine.BARE / "board.c", machine.arm.BARE / "text.c"],
        include=[building.CONFIG, building.TESTS],
    )


def say(firmware, *commands: bytes) -> list[dict[str, str]]:
    """Our records of a conversation, each with its CRC checked, numbered without a gap."""
    said = machine.run(firmware, b"%" + b"".join(commands))
    assert said.returncode == 0
    records = [board.fields_of(line) for line in said.lines if line.startswith("ed-")]
    assert [int(record["seq"]) for record in records] == list(range(len(records)))
    return records


def of_kind(records, kind):
    return [record for record in records if record["kind"] == kind]


def test_hello(firmware):
    hello = of_kind(say(firmware, b"hello%"), "hello")
    assert len(hello) == 1
    assert hello[0]["sha256"] == board.SHA256


def test_an_inference(firmware):
    data = bytes((37 * i + 11) % 256 for i in range(board.INPUT_BYTES))
    load = board.sealed(f"load {len(data)} {board.crc(data)}")
    records = say(firmware, load, data, board.sealed("run 1 0 0"))
    assert of_kind(records, "loaded")[0]["crc"] == board.crc(data)
    out = "".join(record["hex"] for record in of_kind(records, "out"))
    wanted = board.model_output(data)
    assert bytes.fromhex(out) == wanted
    assert of_kind(records, "done")[0]["out_crc"] == board.crc(wanted)


def test_a_damaged_command_is_refused(firmware):
    sealed = board.sealed("run 1 0 0")
    errors = of_kind(say(firmware, sealed.replace(b"run 1", b"run 2")), "error")
    assert [error["code"] for error in errors] == ["crc"]
