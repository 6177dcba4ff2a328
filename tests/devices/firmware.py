"""The real firmware around a model written by hand, for the virtual board and this computer."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest

from edge_deploy import places, toolchains
from edge_deploy.artifact import Artifact
from edge_deploy.build import elf
from tests.devices import built

# Of firmware/test/fake_model.c.
MODEL_SHA256 = "00112233445566778899aabbccddeeff" * 2
INPUT_BYTES = 490

_SYMBOLS = {"ED_FLASH_BYTES": 983_040, "ED_RAM_BYTES": 262_144, "ED_STACK_BYTES": 4096}


@functools.lru_cache(maxsize=2)
def image(port: str = "virtual_m4") -> bytes:
    """The program: a flat image for the board, an executable for this computer."""
    root = places.shipped("firmware")
    model = root / "test" / "fake_model.c"
    if not model.is_file():
        pytest.skip("firmware/test is not shipped with the installed package")
    sources = [
        *sorted((root / "src" / "app").glob("*.c")),
        *sorted((root / "src" / "wire").glob("*.c")),
        *sorted((root / "src" / "ports" / port).glob("*.c")),
        model,
    ]
    on_board = port == "virtual_m4"
    try:
        compiler = toolchains.find(toolchains.CORTEX_M4 if on_board else toolchains.HOST)
    except toolchains.ToolchainMissing as missing:
        pytest.skip(str(missing))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "firmware.elf"
        compiler.compile_and_link(
            sources,
            output,
            include=[root / "src", root / "test" / "config", root / "src" / "ports" / port],
            linker_script=root / "src" / "ports" / port / "link.ld" if on_board else None,
            linker_symbols=_SYMBOLS if on_board else None,
        )
        return elf.flat_image(output)[1] if on_board else output.read_bytes()


def artifact(folder: Path, port: str = "virtual_m4") -> Artifact:
    """The same as an artifact."""
    return built.artifact(folder, image(port), port=port, model_sha256=MODEL_SHA256)
