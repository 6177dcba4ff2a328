"""Finding compilers, compiling and linking with them, and what their failures say."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest

from edge_deploy import process, toolchains
from edge_deploy.errors import Exit
from edge_deploy.toolchains import CORTEX_M4, HOST, CompileFailed, RegionOverflow, ToolchainMissing

M4_COMPILERS = ("arm-none-eabi-gcc", "zig")
HOST_COMPILERS = ("gcc", "clang", "zig")

LINKER_SCRIPT = """\
ENTRY(begin)
MEMORY
{
    FLASH (rx) : ORIGIN = 0x00010000, LENGTH = ED_FLASH_BYTES
    RAM (rwx) : ORIGIN = 0x20000000, LENGTH = ED_RAM_BYTES
}
SECTIONS
{
    .text : { *(.text .text.* .rodata .rodata.*) } > FLASH
    .bss (NOLOAD) : { *(.bss .bss.*) } > RAM
    /DISCARD/ : { *(.ARM.exidx* .ARM.extab*) }
}
"""
# A sum that compilers unroll for speed, and a copy that they take for memcpy.
LOOPS = """\
int f(const int *x, int n);
int f(const int *x, int n)
{
    int sum = 0;
    for (int i = 0; i < 4 * n; ++i) {
        sum += x[i] / 3;
    }
    return sum;
}
void t(char *to, const char *restrict from, int n);
void t(char *restrict to, const char *restrict from, int n)
{
    for (int i = 0; i < n; ++i) {
        to[i] = from[i];
    }
}
"""
# Names that are no functions, or that no linked program keeps.
UNWIND = {"", "__aeabi_unwind_cpp_pr0", "__aeabi_unwind_cpp_pr1"}
M4_PROGRAM = """\
extern unsigned words[1000];
unsigned words[1000];
void begin(void);
void begin(void)
{
    for (volatile unsigned *at = words;; ++at) {
        *at = 1u;
    }
}
"""


@pytest.fixture(autouse=True)
def _no_override(monkeypatch):
    monkeypatch.delenv(toolchains.OVERRIDE, raising=False)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any compiler."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ziglang", None)


@pytest.fixture
def only_zig(monkeypatch, tmp_path):
    pytest.importorskip("ziglang")
    monkeypatch.setenv("PATH", str(tmp_path))


def found(target: str, name: str) -> toolchains.Toolchain:
    try:
        return toolchains.find(target, name)
    except ToolchainMissing as error:
        pytest.skip(error.message)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


class TestFind:
    @pytest.mark.parametrize("target", toolchains.TARGETS)
    def test_no_compiler_at_all_leads_to_the_wheel(self, bare, target):
        with pytest.raises(ToolchainMissing) as raised:
            toolchains.find(target)
        assert raised.value.exit_code == Exit.BUILD_FAILED == 16
        assert raised.value.try_next[0].startswith("pip install 'edge-deploy[virtual]'")
        assert target in raised.value.message

    @pytest.mark.parametrize("target", toolchains.TARGETS)
    def test_zig_serves_where_nothing_else_is_there(self, only_zig, target):
        chosen = toolchains.find(target)
        assert chosen.is_zig
        assert chosen.command == (sys.executable, "-m", "ziglang", "cc")
        assert chosen.version.count(".") == 2

    def test_an_installed_compiler_comes_first(self):
        found(CORTEX_M4, "arm-none-eabi-gcc")
        assert toolchains.find(CORTEX_M4).name == "arm-none-eabi-gcc"

    def test_the_compilers_own_version_not_its_packagers(self):
        line = "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205"
        assert toolchains._version_of(line) == "12.2.1"
        assert toolchains._version_of("Apple clang version 15.0.0 (clang-1500.3.9.4)") == "15.0.0"

    def test_the_override_holds_for_the_target_it_can_serve(self, monkeypatch):
        pytest.importorskip("ziglang")
        monkeypatch.setenv(toolchains.OVERRIDE, "zig")
        assert toolchains.find(CORTEX_M4).is_zig
        assert toolchains.find(HOST).is_zig

    def test_the_override_leaves_the_other_target_alone(self, monkeypatch):
        default = toolchains.find(HOST)
        found(CORTEX_M4, "arm-none-eabi-gcc")
        monkeypatch.setenv(toolchains.OVERRIDE, "arm-none-eabi-gcc")
        assert toolchains.find(HOST) == default
        assert toolchains.find(CORTEX_M4).name == "arm-none-eabi-gcc"

    def test_the_override_may_be_a_path(self, monkeypatch):
        path = found(CORTEX_M4, "arm-none-eabi-gcc").command[0]
        default = toolchains.find(HOST)
        monkeypatch.setenv(toolchains.OVERRIDE, path)
        assert toolchains.find(CORTEX_M4).command == (path,)
        assert toolchains.find(HOST) == default

    @pytest.mark.parametrize("wanted", ["arm-none-eabi-gcc", "/nowhere/my-gcc"])
    def test_an_override_that_is_not_there_is_named(self, bare, monkeypatch, wanted):
        monkeypatch.setenv(toolchains.OVERRIDE, wanted)
        with pytest.raises(ToolchainMissing, match=f"{toolchains.OVERRIDE} asks for {wanted}"):
            toolchains.find(CORTEX_M4)

    def test_only_the_preferred_one_will_do(self, only_zig):
        with pytest.raises(ToolchainMissing, match="arm-none-eabi-gcc is not there"):
            toolchains.find(CORTEX_M4, "arm-none-eabi-gcc")

    @pytest.mark.skipif(os.name == "nt", reason="a shell script")
    def test_a_compiler_that_does_not_start_says_so(self, monkeypatch, tmp_path):
        broken = write(tmp_path, "gcc", "#!/bin/sh\necho 'no licence' >&2\nexit 3\n")
        broken.chmod(0o755)
        with pytest.raises(ToolchainMissing, match="does not work: no licence"):
            toolchains.find(HOST, str(broken))

    def test_the_cache_key_tells_compilers_apart(self):
        keys = {toolchains.find(target).cache_key for target in toolchains.TARGETS}
        assert len(keys) == 2


class TestCortexM4:
    @pytest.mark.parametrize("name", M4_COMPILERS)
    def test_links_an_image(self, name, tmp_path):
        image = self._link(name, tmp_path, ram_bytes=5000)
        assert image.read_bytes()[:4] == b"\x7fELF"

    @pytest.mark.parametrize("name", M4_COMPILERS)
    def test_a_region_that_overflows_is_a_number(self, name, tmp_path):
        with pytest.raises(RegionOverflow) as raised:
            self._link(name, tmp_path, ram_bytes=3000)
        assert raised.value.overflow == {"RAM": 1000}
        assert raised.value.log.is_file()

    @pytest.mark.parametrize("name", M4_COMPILERS)
    def test_hard_float_and_no_contraction(self, name, tmp_path):
        source = write(
            tmp_path, "f.c", "float f(float a, float b, float c);\n"
            "float f(float a, float b, float c)\n{\n    return a * b + c;\n}\n"
        )  # fmt: skip
        made = found(CORTEX_M4, name).compile(source, tmp_path / "f.o")
        capstone = pytest.importorskip("capstone")
        section = pytest.importorskip("elftools.elf.elffile").ELFFile
        with made.open("rb") as file:
            code = section(file).get_section_by_name(".text.f").data()
        mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        words = [i.mnemonic for i in capstone.Cs(capstone.CS_ARCH_ARM, mode).disasm(code, 0)]
        assert words[:2] == ["vmul.f32", "vadd.f32"]

    @pytest.mark.parametrize("name", M4_COMPILERS)
    def test_code_for_size_is_smaller_and_calls_no_library(self, name, tmp_path):
        source = write(tmp_path, "s.c", LOOPS)
        elffile = pytest.importorskip("elftools.elf.elffile").ELFFile
        compiler = found(CORTEX_M4, name)
        sizes, called = [], []
        # Without -flto, after which an object file holds no code yet.
        for flags in ((), [flag for flag in compiler.size_flags if flag != "-flto"]):
            made = compiler.compile(source, tmp_path / "s.o", extra_flags=flags)
            with made.open("rb") as file:
                elf = elffile(file)
                sizes.append(sum(len(elf.get_section_by_name(f".text.{f}").data()) for f in "ft"))
                symbols = elf.get_section_by_name(".symtab").iter_symbols()
                called.append({s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF"} - UNWIND)
        assert sizes[1] < sizes[0]
        assert not called[1]
        assert all(flag in compiler.cache_key for flag in compiler.size_flags)

    def test_no_shared_library(self, tmp_path):
        source = write(tmp_path, "f.c", M4_PROGRAM)
        with pytest.raises(ValueError, match="only the host"):
            found(CORTEX_M4, "zig").compile_and_link([source], tmp_path / "f.so", shared=True)

    def _link(self, name: str, folder: Path, ram_bytes: int) -> Path:
        return found(CORTEX_M4, name).compile_and_link(
            [write(folder, "m.c", M4_PROGRAM)],
            folder / "m.elf",
            linker_script=write(folder, "m-script.ld", LINKER_SCRIPT),
            linker_symbols={"ED_FLASH_BYTES": 4096, "ED_RAM_BYTES": ram_bytes},
        )


@pytest.mark.parametrize("name", HOST_COMPILERS)
class TestHost:
    def test_links_a_program(self, name, tmp_path):
        text = "int main(void)\n{\n    return ED_ANSWER;\n}\n"
        made = found(HOST, name).compile_and_link(
            [write(tmp_path, "p.c", text)], tmp_path / "p.exe", defines={"ED_ANSWER": "42"}
        )
        assert process.run([str(made)], timeout_s=60).returncode == 42

    def test_links_a_library(self, name, tmp_path):
        text = "int twice(int x);\nint twice(int x)\n{\n    return 2 * x;\n}\n"
        made = found(HOST, name).compile_and_link(
            [write(tmp_path, "l.c", text)], tmp_path / "l.so", shared=True
        )
        assert ctypes.CDLL(str(made)).twice(21) == 42

    def test_links_objects_and_finds_headers(self, name, tmp_path):
        chosen = found(HOST, name)
        (tmp_path / "in clude").mkdir()
        write(tmp_path / "in clude", "h.h", "int two(void);\n")
        text = '#include "h.h"\nint two(void)\n{\n    return 2;\n}\n'
        one = chosen.compile(
            write(tmp_path, "two.c", text), tmp_path / "two.o", include=[tmp_path / "in clude"]
        )
        main = write(tmp_path, "m.c", '#include "h.h"\nint main(void)\n{\n    return two();\n}\n')
        made = chosen.compile_and_link(
            [main, one], tmp_path / "m.exe", include=[tmp_path / "in clude"]
        )
        assert process.run([str(made)], timeout_s=60).returncode == 2

    def test_an_error_is_its_first_line_and_a_log(self, name, tmp_path):
        source = write(tmp_path, "b.c", "int f(void);\nint f(void)\n{\n    return y + z;\n}\n")
        with pytest.raises(CompileFailed) as raised:
            found(HOST, name).compile(source, tmp_path / "b.o")
        assert raised.value.exit_code == Exit.BUILD_FAILED
        assert "\n" not in raised.value.message
        assert "b.c:4:" in raised.value.message
        assert str(raised.value.log) in raised.value.message
        assert "'z'" in raised.value.log.read_text()

    def test_a_warning_is_an_error_in_our_code(self, name, tmp_path):
        source = write(tmp_path, "w.c", "char f(int x);\nchar f(int x)\n{\n    return x;\n}\n")
        with pytest.raises(CompileFailed, match="conversion"):
            found(HOST, name).compile(source, tmp_path / "w.o")
        assert found(HOST, name).compile(source, tmp_path / "w.o", warnings=False).is_file()

    def test_a_missing_function_is_named(self, name, tmp_path):
        text = "int absent(void);\nint main(void)\n{\n    return absent();\n}\n"
        with pytest.raises(CompileFailed, match="absent"):
            found(HOST, name).compile_and_link([write(tmp_path, "u.c", text)], tmp_path / "u.exe")

    def test_too_slow_is_a_time_out(self, name, tmp_path):
        source = write(tmp_path, "p.c", "int main(void)\n{\n    return 0;\n}\n")
        with pytest.raises(process.ProcessTimeout) as raised:
            found(HOST, name).compile_and_link([source], tmp_path / "p.exe", timeout_s=0.001)
        assert raised.value.exit_code == Exit.BUILD_FAILED


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_full_disk_is_named(tmp_path):
    words = "#!/bin/sh\ncase $1 in --version) echo gcc 9.9.9; exit;; esac\n"
    words += "echo 'fatal error: error writing to /tmp/x.s: No space left on device' >&2\nexit 1\n"
    full = write(tmp_path, "gcc", words)
    full.chmod(0o755)
    with pytest.raises(CompileFailed, match="no space left on the disk") as raised:
        toolchains.find(HOST, str(full)).compile(tmp_path / "x.c", tmp_path / "x.o")
    assert any(line.startswith("df -h") for line in raised.value.try_next)


def test_logs_do_not_pile_up(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))
    for number in range(toolchains._KEPT_LOGS + 10):
        last = toolchains._keep_log("x.o", ["cc"], f"error {number}")
    logs = list((tmp_path / "cache" / "logs").iterdir())
    assert len(logs) == toolchains._KEPT_LOGS
    assert last in logs
