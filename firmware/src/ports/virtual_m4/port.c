/* The virtual Nano 33 BLE: docs/virtual_board.md. */
#include "ports/ed_port.h"

#include "registers.h"

/* From link.ld. */
extern uint8_t ed_stack_low[];
extern uint8_t ed_stack_high[];

void ed_port_init(void)
{
    if (SYSTEM_ID != SYSTEM_ID_VALUE) {
        panic(PANIC_WRONG_BOARD);
    }
}

size_t ed_port_read(uint8_t *to, size_t limit)
{
    SERIAL_RX_ADDR = (uint32_t)(uintptr_t)to;
    SERIAL_RX_TAKE = (uint32_t)limit;
    MEMORY_BARRIER();
    return SERIAL_RX_TAKEN;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    MEMORY_BARRIER();
    SERIAL_TX_ADDR = (uint32_t)(uintptr_t)bytes;
    SERIAL_TX_SEND = (uint32_t)count;
}

/* Costs are added at the begin of a basic block, for all of it: two snapshots are comparable when
 * the same instruction took them. This is the only one, in a block of its own. */
static void __attribute__((noinline)) latch(void)
{
    COUNTERS_LATCH = 0;
}

static uint64_t latched(uint32_t address)
{
    return REGISTER(address) | (uint64_t)REGISTER(address + 4u) << 32;
}

uint64_t ed_port_time_us(void)
{
    latch();
    return latched(COUNTERS_TIME_US);
}

void __attribute__((noinline)) ed_port_counters(ed_port_counts *now)
{
    latch();
    now->value[ED_PORT_US] = latched(COUNTERS_TIME_US);
    now->value[ED_PORT_CYCLES] = latched(COUNTERS_CYCLES);
    now->value[ED_PORT_CYCLES_BOARD] = latched(COUNTERS_CYCLES_BOARD);
    now->value[ED_PORT_INSTRUCTIONS] = latched(COUNTERS_INSTRUCTIONS);
    now->value[ED_PORT_ENERGY_NJ] = latched(COUNTERS_ENERGY_NJ);
    /* COUNTED has the same order without the time, which is always known. */
    now->known = 1u << ED_PORT_US | COUNTERS_COUNTED << ED_PORT_CYCLES;
}

void ed_port_wait(uint32_t us)
{
    IDLE_WAIT_US = us;
}

void ed_port_wait_timed(uint32_t us)
{
    IDLE_WAIT_TIMED_US = us;
}

void ed_port_reset(void)
{
    SYSTEM_RESET = SYSTEM_RESET_VALUE;
    for (;;) { /* the board restarts within a few instructions */
    }
}

ed_port_reset_reason ed_port_boot_reason(void)
{
    const uint32_t reason = SYSTEM_RESET_REASON;

    return reason < ED_PORT_RESET_UNKNOWN ? (ed_port_reset_reason)reason : ED_PORT_RESET_UNKNOWN;
}

ed_port_stack_bounds ed_port_stack(void)
{
    const ed_port_stack_bounds stack = {ed_stack_low, ed_stack_high};

    return stack;
}
