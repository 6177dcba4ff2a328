"""Boards that only look real, for commands as they are typed.

PlatformIO is a stand-in that compiles the very project for this computer, with a fake core in place
of the board's; bossac is a stand-in; the boards are pseudo-terminals that run what was uploaded.
"""

from __future__ import annotations

import functools
import shutil
import sys
from pathlib import Path

import pytest

from edge_deploy.build import platformio
from edge_deploy.cli import prepare
from edge_deploy.devices import esp32s3, nano33, usb
from tests.devices import fake_nano
from tests.devices.fake_esp import EspBus

# Where kernels of the board itself are wanted.
COMPILED = prepare.compiled

PIO = """\
import os, pathlib, shutil, sys
from tests.build.test_project import compile_all
from tests.devices import fake_esp
from tests.firmware import building
import subprocess
folder = pathlib.Path(sys.argv[sys.argv.index("--project-dir") + 1])
out = folder / ".pio" / "build" / sys.argv[sys.argv.index("--environment") + 1]
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
source = folder / "src"
is_xiao = out.name == "xiao_esp32s3"
board = building.XIAO if is_xiao else building.NANO33
if (source / "blink.cpp").exists():
    (out / "firmware.bin").write_bytes(b"image of " + (source / "blink.cpp").read_bytes())
    shutil.copyfile(out / "firmware.bin", out / "firmware.elf")
else:
    flags = ["-I", str(source), "-I", str(source / "generated")]
    objects = compile_all(source, flags, out, board=board)
    cores = pathlib.Path(os.environ["ED_TEST_CORES"]) / board
    if not (cores / "whole").exists():
        shutil.rmtree(cores, ignore_errors=True)
        cores.mkdir(parents=True)
        building.fake_core(cores, board=board)
        (cores / "whole").touch()
    objects += sorted(cores.glob("*.o"))
    words = ["g++", *map(str, objects), "-lpthread", "-o", str(out / "firmware.elf")]
    subprocess.run(words, check=True)
    program = (out / "firmware.elf").read_bytes()
    (out / "firmware.bin").write_bytes(fake_esp.application(program) if is_xiao else program)
if is_xiao:
    (out / "bootloader.bin").write_bytes(fake_esp.bootloader())
    (out / "partitions.bin").write_bytes(bytes(3072))
print("RAM:   [==        ]  17.5% (used 45768 bytes from 262144 bytes)")
print("Flash: [=         ]  11.2% (used 110124 bytes from 983040 bytes)")
"""


def install(tmp_path: Path, home: Path, cores: Path, patch: pytest.MonkeyPatch) -> EspBus:
    """The stand-ins in place of what is real; the bus, to plug boards into. To be closed.

    home: where builds are kept. cores: where the fake cores are compiled to, once.
    """
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    patch.setenv("EDGE_DEPLOY_HOME", str(home))
    patch.setenv("ED_TEST_CORES", str(cores))
    for name in ("SOUND", "MOTION", "PICTURES", "CAMERA", "CHIPS", "LED", "SLOW"):
        patch.delenv(f"ED_FAKE_{name}", raising=False)
    stand_in = tmp_path / "pio.py"
    stand_in.write_text(PIO)
    patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    patch.setattr(platformio, "program", lambda: [sys.executable, str(stand_in)])
    core = tmp_path / "core/packages/framework-arduinoespressif32/tools/partitions"
    core.mkdir(parents=True)
    (core / "boot_app0.bin").write_bytes(b"\x01\0\0\0" + b"\xff" * 8188)
    patch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    # This computer has none of the Cortex-M4's instructions.
    portable = functools.partial(prepare.compiled, portable=True)
    patch.setattr(prepare, "compiled", portable)
    ports = tmp_path / "dev"
    ports.mkdir()
    made = EspBus(ports)
    patch.setattr(usb, "connected", made.connected)
    patch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(ports)))
    for module in (nano33, esp32s3):
        patch.setattr(module, "COMES_S", 5.0)
        patch.setattr(module, "BY_HAND_S", 0.3)
    # A fake board may be back before anyone looks.
    patch.setattr(esp32s3, "LEAVES_S", 0.2)
    patch.setattr(esp32s3, "ATTEMPTS", 3)
    return made
