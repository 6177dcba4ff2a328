"""PlatformIO driven: a stand-in that prints what the real one does, and what becomes of it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from edge_deploy import boards, compiler, model
from edge_deploy.build import platformio
from edge_deploy.errors import BuildFailed, Exit, OverBudget
from edge_deploy.toolchains import ToolchainMissing
from tests import compiled_model, model_builder

NANO33 = boards.load("nano33")
FILES = {"platformio.ini": "[env:nano33]\n", "src/app/a.c": "int a;\n"}
LOG = Path("a log")

# Seen of PlatformIO 6: the ends of builds that went well and did not.
WELL = """\
Processing nano33 (platform: nordicnrf52@10.11.0; board: nano33ble; framework: arduino)
Compiling .pio/build/nano33/src/app/a.c.o
Building .pio/build/nano33/firmware.bin
RAM:   [==        ]  17.5% (used 45768 bytes from 262144 bytes)
Flash: [=         ]  11.2% (used 110124 bytes from 983040 bytes)
========================= [SUCCESS] Took 8.10 seconds =========================
"""
OFFLINE = "Platform Manager: Installing nordicnrf52 @ 10.11.0\nHTTPClientError: \n"
UNKNOWN = (
    "UnknownPackageError: Could not find the package with 'platformio/nordicnrf52 @ 99.0.0' "
    "requirements for your system 'linux_x86_64'\n"
)
REGION = (
    "arm-none-eabi/bin/ld: region `RAM' overflowed by 12345 bytes\n*** [firmware.elf] Error 1\n"
)
ESP_REGION = "ld: region `dram0_0_seg' overflowed by 200 bytes\n"
TOO_LARGE = (
    "Error: The program size (1234567 bytes) is greater than maximum allowed (983040 bytes)\n"
)
REFUSED = (
    "src/generated/ed_model.c:17:5: error: unknown type name 'ed_conv'\n"
    "*** [.pio/build/nano33/src/generated/ed_model.c.o] Error 1\n"
)


@pytest.fixture
def compiled():
    graph = model.read(model_builder.sine_like(1), name="sine")
    return compiler.compile(graph, target="cortex_m4"), graph


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A `pio` that prints a text, leaves an image, and ends with a code."""

    def make(text: str, code: int = 0, *, image: bool = True) -> Path:
        if sys.platform == "win32":
            pytest.skip("a stand-in for a program is a script with a first line")
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        calls = folder / "calls"
        script = folder / "pio"
        script.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\n"
            f"pathlib.Path({str(calls)!r}).open('a').write(repr(sys.argv[1:]) + '\\n')\n"
            "folder = pathlib.Path(sys.argv[sys.argv.index('--project-dir') + 1])\n"
            "out = folder / '.pio' / 'build' / sys.argv[sys.argv.index('--environment') + 1]\n"
            "out.mkdir(parents=True, exist_ok=True)\n"
            "image = b'image' + (folder / 'src/app/a.c').read_bytes()\n"
            f"if {image}: (out / 'firmware.bin').write_bytes(image)\n"
            "(out / 'firmware.elf').write_bytes(b'elf')\n"
            f"print({text!r}, end='')\nsys.exit({code})\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(platformio, "program", lambda: [str(script)])
        return calls

    return make


def test_a_build_that_goes_well_is_an_artifact_and_is_kept(stand_in, compiled):
    calls = stand_in(WELL)
    said: list[str] = []
    made = platformio.firmware(FILES, *compiled, NANO33, progress=said.append)
    assert made.image.read_bytes() == b"imageint a;\n"
    manifest = made.manifest
    assert (manifest.port, manifest.board) == ("arduino", "nano33")
    # Less the 97,340 and 41,912 B of a blink (boards.yaml).
    assert (manifest.flash_bytes, manifest.ram_bytes) == (12_784, 3_856)
    assert any(line.startswith("Compiling") for line in said)
    assert platformio.firmware(FILES, *compiled, NANO33).folder == made.folder
    words = calls.read_text().splitlines()
    assert len(words) == 1
    assert "'run', '--project-dir'" in words[0]
    assert "'--environment', 'nano33'" in words[0]


def test_an_esp32_has_files_beside_the_program(stand_in, compiled, tmp_path, monkeypatch):
    """Two that the platform builds, and one of its core; all at the offsets of boards.yaml."""
    stand_in(WELL)
    xiao = boards.load("xiao_esp32s3")
    output = platformio.folder_of(xiao) / ".pio" / "build" / "xiao_esp32s3"
    output.mkdir(parents=True)
    for name in ("bootloader.bin", "partitions.bin"):
        (output / name).write_bytes(name.encode())
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    with pytest.raises(BuildFailed, match=r"left no boot_app0\.bin") as caught:
        platformio.firmware(FILES, *compiled, xiao)
    assert "PLATFORMIO_CORE_DIR" in caught.value.try_next[0]
    core = tmp_path / "core/packages/framework-arduinoespressif32/tools/partitions"
    core.mkdir(parents=True)
    (core / "boot_app0.bin").write_bytes(b"boot_app0.bin")
    made = platformio.firmware(FILES, *compiled, xiao)
    assert [(offset, path.name) for offset, path in made.pieces] == [
        (0x0, "bootloader.bin"),
        (0x8000, "partitions.bin"),
        (0xE000, "boot_app0.bin"),
        (0x10000, "firmware.bin"),
    ]
    for _, path in made.pieces[:-1]:
        assert path.read_bytes() == path.name.encode()


def test_another_source_is_another_build_and_old_files_go(stand_in, compiled):
    calls = stand_in(WELL)
    platformio.firmware({**FILES, "src/app/old.c": "int old;\n"}, *compiled, NANO33)
    made = platformio.firmware({**FILES, "src/app/a.c": "int b;\n"}, *compiled, NANO33)
    assert made.image.read_bytes() == b"imageint b;\n"
    assert not (platformio.folder_of(NANO33) / "src/app/old.c").exists()
    assert len(calls.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "kind", "complaint"),
    [
        (OFFLINE, BuildFailed, "no way to its registry"),
        (UNKNOWN, BuildFailed, "has no platformio/nordicnrf52 @ 99.0.0"),
        (REGION, OverBudget, "sine needs 12,345 B more RAM than there is on nano33"),
        (ESP_REGION, OverBudget, "needs 200 B more RAM"),
        (TOO_LARGE, OverBudget, "needs 1,234,567 B of flash, of which there are 983,040"),
        (REFUSED, BuildFailed, "ed_model.c, line 17: unknown type name 'ed_conv'"),
        ("src/nn/a.h:9: Error: no such instruction\n", BuildFailed, "a.h, line 9: no such instruc"),
        ("*** [a] Error 1\n", BuildFailed, "PlatformIO failed: [a] Error 1."),
        ("", BuildFailed, "it gave no reason"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_log_is_kept(stand_in, compiled, text, kind, complaint):
    stand_in(text, code=1)
    with pytest.raises(kind) as caught:
        platformio.firmware(FILES, *compiled, NANO33)
    assert complaint in caught.value.message
    assert "\n" not in caught.value.message
    log = next(word for word in caught.value.try_next if word.startswith("less "))
    assert Path(log.split("  ")[0].removeprefix("less ")).read_text() == text


def test_the_worst_symbols_are_named(tmp_path):
    try:
        toolchain = compiled_model.m4_toolchain(None)
    except ToolchainMissing:
        pytest.skip("no compiler for a Cortex-M4")
    source = tmp_path / "big.c"
    source.write_text("char big_buffer[70000]; int small[3]; char middle[900];\n")
    (tmp_path / "src").mkdir()
    toolchain.compile(source, tmp_path / "src" / "big.o")
    found = platformio.failure(REGION, LOG, "sine", NANO33, tmp_path)
    assert found.exit_code is Exit.OVER_BUDGET
    assert "the largest are big_buffer 70,000 B, middle 900 B, small 12 B" in found.message


def test_an_image_that_is_not_there(stand_in, compiled):
    stand_in(WELL, image=False)
    with pytest.raises(BuildFailed, match=r"left no firmware\.bin"):
        platformio.firmware(FILES, *compiled, NANO33)


def test_without_platformio(monkeypatch):
    monkeypatch.setattr(platformio.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(platformio.shutil, "which", lambda name: None)
    with pytest.raises(ToolchainMissing, match="PlatformIO") as caught:
        platformio.program()
    assert caught.value.exit_code is Exit.BUILD_FAILED


def test_the_call():
    words = platformio.command(Path("project"), NANO33, program=["pio"])
    assert words == ["pio", "run", "--project-dir", "project", "--environment", "nano33"]
