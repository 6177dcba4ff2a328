"""Memories, devices and faults of the core."""

from __future__ import annotations

import struct

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.virtual.cpu import Cpu, CpuFault, Devices
from tests.devices.virtual import bench, thumb

CODE = thumb.ENTRY


def test_unmapped_read_names_address_and_pc():
    found = bench.fault("nop\n ldr r0, =0x30000004\n nop\n ldr r1, [r0]\n b .")
    assert found.address == 0x30000004
    assert found.pc == CODE + 6
    assert "not there" in found.reason


def test_unmapped_write():
    found = bench.fault("ldr r0, =0x40000006\n strb r1, [r0]\n b .")
    assert (found.address, found.pc) == (0x40000006, CODE + 2)
    assert "1 byte" in found.reason


def test_flash_is_read_only():
    found = bench.fault("movs r0, #0\n str r1, [r0, #16]\n b .")
    assert (found.address, found.pc) == (16, CODE + 2)
    assert "read-only" in found.reason


def test_jump_into_nowhere():
    found = bench.fault("ldr r0, =0x30000001\n bx r0")
    assert found.address == 0x30000000
    assert "jump" in found.reason


def test_undefined_instruction():
    found = bench.fault("nop\n udf #1")
    assert found.pc == CODE + 2
    assert "undefined" in found.reason


@pytest.mark.parametrize("text", ["svc #1", "bkpt #1", "wfi"])
def test_what_needs_exceptions_stops_the_board(text):
    assert bench.fault(f"nop\n {text}\n b .").reason


def test_floating_point_is_off_until_cpacr_enables_it():
    found = bench.fault("nop\n vmov.f32 s0, #1.0\n b .")
    assert "floating-point" in found.reason
    assert "CPACR" in found.reason


def test_bytes_to_a_device_stop_the_board():
    cpu = Cpu(
        thumb.flash("ldr r0, =0xA0000000\n ldrb r1, [r0]\n b ."),
        ram_bytes=thumb.RAM_BYTES,
        wait_states=2,
        devices=(Devices(0xA0000000, 0x1000, lambda _: 1, lambda *_: None),),
    )
    cpu.reset(thumb.APPLICATION)
    with pytest.raises(CpuFault, match="only words"):
        cpu.run(1000)


def test_an_error_in_a_device_reaches_the_caller():
    def broken(_offset):
        raise ValueError("broken device")

    cpu = Cpu(
        thumb.flash("ldr r0, =0xA0000000\n ldr r1, [r0]\n b ."),
        ram_bytes=thumb.RAM_BYTES,
        wait_states=2,
        devices=(Devices(0xA0000000, 0x1000, broken, lambda *_: None),),
    )
    cpu.reset(thumb.APPLICATION)
    with pytest.raises(ValueError, match="broken device"):
        cpu.run(1000)


def test_ram_is_seen_at_its_alias_and_code_runs_there():
    # movs r0, #42; bx lr copied to RAM, called through the alias
    code = struct.unpack("<I", thumb.assemble("movs r0, #42\n bx lr")[:4])[0]
    source = f"""
    ldr r5, =0x20000100
    ldr r0, ={code:#x}
    str r0, [r5]
    ldr r1, =0x00800101
    blx r1
    str r0, [r5, #4]
    ldr r2, =0x00800104
    ldr r3, [r2]
    str r3, [r5, #8]
    b .
    """
    cpu = Cpu(thumb.flash(source), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    cpu.reset(thumb.APPLICATION)
    cpu.run(1000)
    assert cpu.read_memory(0x20000104, 8) == struct.pack("<II", 42, 42)
    assert cpu.read_memory(0x00800104, 4) == struct.pack("<I", 42)


@pytest.mark.parametrize("condition", [0, 1])
@pytest.mark.parametrize("turns", [1, 900])
def test_what_follows_a_load_that_was_skipped_is_not(condition, turns):
    source = f"""
    ldr r7, =0x20000000
    movw r6, #{turns}
    mov r5, #0
1:  mov r0, #{condition}
    mov r1, #0x10000
    cmp r0, #1
    ite ne
    ldrne r2, [r1]
    moveq r2, #1
    bl 2f
    subs r6, #1
    bne 1b
    str r5, [r7]
    b .
2:  adds r5, #1
    adds r5, #2
    adds r5, #4
    adds r5, #8
    bx lr
    """
    cpu = Cpu(thumb.flash(source), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    cpu.reset(thumb.APPLICATION)
    cpu.run(100 * turns + 1000)
    assert struct.unpack("<I", cpu.read_memory(0x20000000, 4))[0] == 15 * turns


def test_cyccnt_is_the_cycle_counter_and_can_be_set():
    source = """
    ldr r5, =0x20000000
    ldr r0, =0xE0001000
    movs r1, #0
    str r1, [r0, #4]
    b 1f
1:  movs r2, #10
2:  subs r2, #1
    bne 2b
    ldr r3, [r0, #4]
    str r3, [r5]
    b .
    """
    cpu = Cpu(thumb.flash(source), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    cpu.reset(thumb.APPLICATION)
    cpu.run(1000)
    # Written in the first block, read in the last: 2 + movs, 10 turns, 9 refills, last block.
    loop = 2 + 1 + 10 * 2 + 9 * 2
    last = 2 + 1 + 1
    assert struct.unpack("<I", cpu.read_memory(0x20000000, 4))[0] == loop + last


def test_system_control_space_reads_back():
    source = """
    ldr r5, =0x20000000
    ldr r0, =0xE000ED00
    ldr r1, =0x12345678
    str r1, [r0, #8]
    ldr r2, [r0, #8]
    str r2, [r5]
    b .
    """
    cpu = Cpu(thumb.flash(source), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    cpu.reset(thumb.APPLICATION)
    cpu.run(1000)
    assert cpu.read_memory(0x20000000, 4) == struct.pack("<I", 0x12345678)


@pytest.mark.parametrize(
    ("stack", "entry"),
    [(0xFFFFFFFF, 0xFFFFFFFF), (thumb.STACK, CODE), (0x10000, CODE | 1), (thumb.STACK, 0x200001)],
)
def test_a_bad_vector_table_is_named(stack, entry):
    image = bytearray(thumb.flash("b ."))
    image[thumb.APPLICATION : thumb.APPLICATION + 8] = struct.pack("<II", stack, entry)
    cpu = Cpu(bytes(image), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    with pytest.raises(CpuFault, match="vector table"):
        cpu.reset(thumb.APPLICATION)


def test_code_in_ram_may_change_over_a_reset():
    # The program runs what is at 0x20000100, which the test changes between two runs.
    cpu = Cpu(
        thumb.flash("ldr r1, =0x20000101\n blx r1\n ldr r5, =0x20000000\n str r0, [r5]\n b ."),
        ram_bytes=thumb.RAM_BYTES,
        wait_states=2,
    )
    for value in (7, 9):
        cpu.write_ram(0x20000100, thumb.assemble(f"movs r0, #{value}\n bx lr"))
        cpu.reset(thumb.APPLICATION)
        cpu.run(cpu.clock + 1000)
        assert cpu.read_memory(0x20000000, 1)[0] == value
