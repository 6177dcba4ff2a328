"""The hook in C against one in Python that does the same slowly, and how it is built."""

from __future__ import annotations

import pytest

unicorn = pytest.importorskip("unicorn", reason="the virtual extra is not installed")
from unicorn import arm_const  # noqa: E402

from edge_deploy.devices.virtual import native  # noqa: E402
from edge_deploy.devices.virtual.cycles import Decoder  # noqa: E402
from tests.devices.virtual import bench, thumb  # noqa: E402
from tests.devices.virtual.test_counters import MIXED, straight_line  # noqa: E402


def reference(image: bytes) -> bench.Counts:
    """Between the marks, by Python callbacks on a bare emulator and a plain list of blocks."""
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
    uc.mem_map(0, thumb.FLASH_BYTES)
    uc.mem_write(0, image)
    uc.mem_map(0x20000000, thumb.RAM_BYTES)
    uc.mem_map(0xE000E000, 0x1000)
    executed: list[tuple[int, int]] = []
    reads: list[tuple[int, int]] = []
    marks: list[tuple[int, int]] = []

    def on_write(_uc, offset, _size, _value, _user):
        if offset == 4:
            uc.emu_stop()
        else:
            marks.append((len(executed), len(reads)))

    uc.mmio_map(bench.MARKS, 0x1000, lambda *_: 0, None, on_write, None)
    uc.hook_add(unicorn.UC_HOOK_BLOCK, lambda _uc, at, size, _user: executed.append((at, size)))
    uc.hook_add(
        unicorn.UC_HOOK_MEM_READ,
        lambda _uc, _kind, at, size, _value, _user: reads.append((at, size)),
        begin=0,
        end=thumb.FLASH_BYTES - 1,
    )
    uc.reg_write(arm_const.UC_ARM_REG_SP, thumb.STACK)
    uc.emu_start(thumb.ENTRY | 1, 0xFFFFFFFF)

    decoder = Decoder()
    cycles = instructions = 0
    totals = []
    before = None
    for number, (at, size) in enumerate(executed):
        cost = decoder.cost(image[at : at + size], at)
        joined = before is not None and before[0] + before[1] == at
        if joined and not before[2].tail & native.BRANCH_ALWAYS:
            shared = before[2].tail & cost.head
            if shared & native.SINGLE_LOAD:
                cycles -= 1
            if shared & ~(native.SINGLE_LOAD | native.BRANCH_ALWAYS):
                cycles += 1
        elif before is not None:
            cycles += 2
        cycles += cost.cycles
        instructions += cost.instructions
        before = (at, size, cost)
        totals.append((number + 1, cycles, instructions))
    words = [len({at // 4, (at + size - 1) // 4}) if size < 8 else 2 for at, size in reads]
    (first, first_read), (second, second_read) = marks
    return bench.Counts(
        totals[second - 1][1] - totals[first - 1][1],
        totals[second - 1][2] - totals[first - 1][2],
        sum(words[first_read:second_read]),
        second - first,
    )


@pytest.mark.parametrize(
    "body",
    [MIXED, *(straight_line(seed, 1200)[0] for seed in (11, 12))],
    ids=["mixed", "straight 11", "straight 12"],
)
def test_counts_what_a_hook_in_python_counts(body):
    assert bench.run(body) == reference(bench.image(body))


def test_the_table_survives_more_blocks_than_it_has_places(monkeypatch):
    # 2^4 places for a program of more blocks than that: it must start over, again and again.
    monkeypatch.setattr(native, "TABLE_BITS", 4)
    small = bench.run(MIXED)
    monkeypatch.undo()
    assert small == bench.run(MIXED)


def test_is_built_once(tmp_path):
    first = native.build(tmp_path)
    made = first.stat().st_mtime_ns
    assert native.build(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert [each.name for each in tmp_path.iterdir()] == [first.name]


def test_builds_with_zig_too(tmp_path, monkeypatch):
    pytest.importorskip("ziglang", reason="the virtual extra is not installed")
    monkeypatch.setenv("EDGE_DEPLOY_TOOLCHAIN", "zig")
    assert native.build(tmp_path).stat().st_size > 0
