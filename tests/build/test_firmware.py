"""The whole firmware, built for the virtual board and this computer, cached and held to limits."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
import time

import pytest

from edge_deploy import build, compiler, model, places, process, toolchains
from edge_deploy.build import cache, sources
from edge_deploy.errors import BuildFailed, Exit, OverBudget
from edge_deploy.sensing import SourceSettings
from edge_deploy.toolchains import CompileFailed, ToolchainMissing
from tests import model_builder


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    """Builds that several tests look at are made once."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module", autouse=True)
def _sources_stand_still(tmp_path_factory):
    """Compare builds of one state of the sources, even while someone edits the checkout."""
    root = tmp_path_factory.mktemp("shipped")
    shutil.copytree(places.shipped("firmware", "src"), root / "firmware" / "src")
    shutil.copy(places.shipped("boards.yaml"), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "shipped", root.joinpath)
        yield


@pytest.fixture
def make(monkeypatch, shared_home, graph, compiled, nano33):
    """build.firmware for the virtual board, any argument replaced; builds are shared."""
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(shared_home))
    monkeypatch.delenv(toolchains.OVERRIDE, raising=False)

    def firmware(**other):
        words = {"graph": graph, "board": nano33, "port": "virtual_m4", **other}
        return build.firmware(words.pop("compiled", compiled), **words)

    return firmware


def found(name):
    try:
        return toolchains.find(toolchains.CORTEX_M4, name)
    except ToolchainMissing as error:
        pytest.skip(error.message)


@pytest.fixture(params=["arm-none-eabi-gcc", "zig"])
def m4(request):
    return found(request.param)


class TestImage:
    def test_sizes_add_up(self, make, m4, compiled, graph, nano33):
        made = make(toolchain=m4)
        m = made.manifest
        assert m.model_sha256 == graph.sha256
        assert m.engine == compiled.engine
        assert m.toolchain == m4.identity
        assert m.load_address == 0x10000
        assert m.flash_bytes == made.image.stat().st_size
        assert m.weights_bytes == compiled.weights_bytes
        assert m.arena_bytes == compiled.arena_bytes
        assert m.stack_reserved_bytes == build.STACK_BYTES
        # A compiler may put an array of one element into the code that reads it.
        assert 0 <= m.code_bytes - (m.flash_bytes - m.weights_bytes) <= 64
        assert 0 < m.model_code_bytes < m.code_bytes < 32_768
        floor = m.arena_bytes + m.stack_reserved_bytes
        assert floor < m.ram_bytes < floor + 16_384
        assert m.flash_bytes < nano33.application_flash_bytes

    def test_the_arena_is_a_symbol_of_its_size(self, make, m4, compiled):
        symbols = {s.name: s for s in build.layout(make(toolchain=m4).elf).symbols}
        assert symbols["arena"].bytes == compiled.arena_bytes
        assert symbols["arena"].memory == "RAM"

    def test_the_same_inputs_give_the_same_bytes(self, make, m4):
        first = make(toolchain=m4).image.read_bytes()
        assert make(toolchain=m4, force=True).image.read_bytes() == first

    def test_the_vectors_point_into_the_board(self, make, m4, nano33):
        image = make(toolchain=m4).image.read_bytes()
        stack, entry = (int.from_bytes(image[at : at + 4], "little") for at in (0, 4))
        assert 0x20000000 < stack <= 0x20000000 + nano33.application_ram_bytes
        assert stack % 8 == 0
        assert entry % 2 == 1
        assert 0x10000 < entry < 0x10000 + len(image)


class TestExecutable:
    def test_it_answers_to_its_name(self, make, portable, graph):
        made = make(compiled=portable, port="host")
        assert made.image.name == ("firmware.exe" if sys.platform == "win32" else "firmware")
        assert made.manifest.flash_bytes is None
        child = process.spawn([str(made.image)])
        try:
            child.stdin.write(b"name%")
            said = b""
            limit = time.monotonic() + 20
            while b"m-name-dut-[edge-deploy]" not in said:
                assert time.monotonic() < limit, said
                said += child.stdout.read(1)
            assert graph.sha256.encode() in said  # the boot line
        finally:
            child.terminate()


class TestKept:
    def test_the_second_build_is_a_look_up(self, make):
        first = make()
        began = time.perf_counter()
        second = make()
        assert time.perf_counter() - began < 0.05
        assert second == first

    def test_the_command_that_made_the_code_does_not_matter(self, make, graph, monkeypatch):
        used = toolchains.find(toolchains.CORTEX_M4)

        def by(command):
            made = compiler.compile(graph, target="cortex_m4", command=command)
            return make(compiled=made, toolchain=used)

        one = by("flash x")
        monkeypatch.setattr(toolchains.Toolchain, "compile_and_link", None)
        assert by("bench x") == one

    def test_all_that_matters_makes_another_key(self, make, nano33, graph, monkeypatch):
        keys = []
        kept = make()
        monkeypatch.setattr(cache, "fetch", lambda key, *_, **__: keys.append(key) or kept)
        other = model.read(model_builder.tiny_conv(2), name="tiny")
        make()
        make(toolchain=dataclasses.replace(_default(), version_line="gcc 1"))
        make(toolchain=dataclasses.replace(_default(), flags=("-O1",)))
        make(labels=("a", "b"))
        make(board=dataclasses.replace(nano33, reserved_ram_bytes=50_000))
        make(compiled=compiler.compile(graph, target="portable"))
        make(compiled=compiler.compile(other, target="cortex_m4"), graph=other)
        make(source=SourceSettings("ramp", 0.0, 1.0, 10, 20))
        assert len(set(keys)) == len(keys) == 8
        make()
        assert keys[-1] == keys[0]

    @pytest.mark.parametrize(
        "changed", ["nn/conv.h", "nn/m4/conv.h", "app/ed_app.c", "ports/virtual_m4/link.ld"]
    )
    def test_another_source_or_header_makes_another_key(self, shipped, changed):
        first = sources.collect("virtual_m4").digest
        path = shipped / "firmware" / "src" / changed
        path.write_text(path.read_text() + "\n/* changed */\n")
        assert sources.collect("virtual_m4").digest != first

    def test_another_ports_sources_do_not_matter(self, shipped):
        first = sources.collect("host").digest
        path = shipped / "firmware" / "src" / "ports" / "virtual_m4" / "link.ld"
        path.write_text("")
        assert sources.collect("host").digest == first

    def test_a_damaged_entry_is_built_again(self, make):
        made = make()
        whole = made.image.read_bytes()
        made.image.write_bytes(whole[:100])
        assert make().image.read_bytes() == whole


class TestTooBig:
    def test_weights_beyond_flash_need_no_compiler(self, home, nano33, monkeypatch):
        data = model_builder.fully_connected(inputs=1000, outputs=1000)
        graph = model.read(data, name="too big")
        made = compiler.compile(graph, target="cortex_m4")
        monkeypatch.setattr(toolchains, "find", None)
        with pytest.raises(OverBudget) as raised:
            build.firmware(made, graph=graph, board=nano33, port="virtual_m4")
        assert raised.value.exit_code == Exit.OVER_BUDGET == 13
        says = raised.value.message
        assert says.startswith(f"too big needs {made.weights_bytes:,} B of flash")
        assert f"nano33 has {nano33.application_flash_bytes:,} B" in says
        assert any("inspect 'too big' --board nano33" in t for t in raised.value.try_next)
        assert any("--board xiao_esp32s3" in t for t in raised.value.try_next)

    def test_an_arena_beyond_ram_needs_no_compiler(self, make, compiled, nano33, monkeypatch):
        monkeypatch.setattr(toolchains, "find", None)
        limit = nano33.application_ram_bytes
        huge = dataclasses.replace(compiled, arena_bytes=limit + 1)
        with pytest.raises(OverBudget, match=rf"needs {limit + 1:,} B of RAM"):
            make(compiled=huge)

    @pytest.mark.parametrize(
        ("name", "short"), [("arm-none-eabi-gcc", 1), ("arm-none-eabi-gcc", 1000), ("zig", 1)]
    )
    def test_a_region_that_overflows_is_never_the_linkers_words(self, make, nano33, name, short):
        m4 = found(name)
        fits = make(toolchain=m4).manifest
        small = dataclasses.replace(
            nano33, reserved_ram_bytes=nano33.ram_bytes - (fits.ram_bytes - short)
        )
        with pytest.raises(OverBudget) as raised:
            make(toolchain=m4, board=small)
        says = raised.value.message
        assert f"needs {fits.ram_bytes:,} B of RAM" in says
        assert f"has {fits.ram_bytes - short:,} B" in says
        assert f"stack {build.STACK_BYTES:,} B" in says
        assert "overflow" not in says
        assert "\n" not in says

    def test_flash_that_overflows_names_what_takes_the_most(self, make, m4, nano33):
        fits = make(toolchain=m4).manifest
        limit = fits.flash_bytes - 4
        small = dataclasses.replace(nano33, flash_bytes=limit, reserved_flash_bytes=0)
        with pytest.raises(OverBudget) as raised:
            make(toolchain=m4, board=small)
        assert f"has {limit:,} B" in raised.value.message
        assert re.search(r"most of it \w+ [\d,]+ B, ", raised.value.message)

    def test_what_just_fits_is_built(self, make, m4, nano33):
        fits = make(toolchain=m4).manifest
        exact = dataclasses.replace(
            nano33,
            flash_bytes=fits.flash_bytes,
            reserved_flash_bytes=0,
            reserved_ram_bytes=nano33.ram_bytes - fits.ram_bytes,
        )
        assert make(toolchain=m4, board=exact).manifest.ram_bytes == fits.ram_bytes


class TestRefused:
    def test_no_compiler_leads_to_the_wheel(self, make, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setitem(sys.modules, "ziglang", None)
        with pytest.raises(ToolchainMissing) as raised:
            make()
        assert raised.value.exit_code == Exit.BUILD_FAILED
        assert raised.value.try_next[0].startswith("pip install 'edge-deploy[virtual]'")

    def test_a_broken_source_is_its_first_error_and_a_log(self, shipped, make):
        path = shipped / "firmware" / "src" / "app" / "ed_app.c"
        path.write_text(
            path.read_text() + "\n/* this test's own */\nint broken(void) { return absent; }\n"
        )
        with pytest.raises(CompileFailed) as raised:
            make()
        assert "ed_app.c:" in raised.value.message
        assert raised.value.log.is_file()

    def test_sources_that_change_meanwhile_are_not_kept(self, shipped, make, monkeypatch):
        path = shipped / "firmware" / "src" / "app" / "ed_app.c"
        link = toolchains.Toolchain.compile_and_link

        def edit_after(*words, **options):
            made = link(*words, **options)
            path.write_text(path.read_text() + "\n/* edited */\n")
            return made

        labels = ("of this test alone",)
        with monkeypatch.context() as patch:
            patch.setattr(toolchains.Toolchain, "compile_and_link", edit_after)
            with pytest.raises(BuildFailed, match="changed while they were compiled"):
                make(labels=labels)
        path.write_text(path.read_text().removesuffix("\n/* edited */\n"))
        built = []
        monkeypatch.setattr(
            toolchains.Toolchain,
            "compile_and_link",
            lambda *words, **options: built.append(1) or link(*words, **options),
        )
        make(labels=labels)
        assert built == [1]  # nothing had been kept under that key

    def test_missing_sources_are_named(self, shipped, make):
        for path in (shipped / "firmware" / "src" / "wire").iterdir():
            path.unlink()
        with pytest.raises(BuildFailed, match="wire"):
            make()

    def test_an_unknown_port_is_a_mistake_of_ours(self, make):
        with pytest.raises(ValueError, match="unknown port"):
            make(port="arduino")


def _default():
    return toolchains.find(toolchains.CORTEX_M4)
