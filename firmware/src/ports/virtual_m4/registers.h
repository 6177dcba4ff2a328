/* The virtual Nano 33 BLE's own devices: docs/virtual_board.md, "Devices". */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSTEM_ID REGISTER(0xA0000000u)
#define SYSTEM_RESET_REASON REGISTER(0xA0000008u)
#define SYSTEM_RESET REGISTER(0xA000000Cu)
#define SYSTEM_SENSORS REGISTER(0xA0000010u)
#define SYSTEM_PANIC REGISTER(0xA0000014u)

#define SYSTEM_ID_VALUE 0x31564445u    /* "EDV1" */
#define SYSTEM_RESET_VALUE 0x54455352u /* "RSET" */

#define COUNTERS_LATCH REGISTER(0xA0001000u)
#define COUNTERS_COUNTED REGISTER(0xA0001004u)
#define COUNTERS_CYCLES 0xA0001008u /* each: low word, high word */
#define COUNTERS_CYCLES_BOARD 0xA0001010u
#define COUNTERS_INSTRUCTIONS 0xA0001018u
#define COUNTERS_TIME_US 0xA0001020u
#define COUNTERS_ENERGY_NJ 0xA0001028u

#define SERIAL_RX_ADDR REGISTER(0xA0002004u)
#define SERIAL_RX_TAKE REGISTER(0xA0002008u)
#define SERIAL_RX_TAKEN REGISTER(0xA000200Cu)
#define SERIAL_TX_ADDR REGISTER(0xA0002010u)
#define SERIAL_TX_SEND REGISTER(0xA0002014u)

#define IDLE_WAIT_US REGISTER(0xA0003000u)
#define IDLE_WAIT_TIMED_US REGISTER(0xA0003004u)

#define MICROPHONE_CONTROL REGISTER(0xA0004000u)
#define MICROPHONE_RATE_HZ REGISTER(0xA0004004u)
#define MICROPHONE_AVAILABLE REGISTER(0xA0004008u)
#define MICROPHONE_ADDR REGISTER(0xA000400Cu)
#define MICROPHONE_TAKE REGISTER(0xA0004010u)
#define MICROPHONE_TAKEN REGISTER(0xA0004014u)
#define MICROPHONE_LOST REGISTER(0xA0004018u)

/* Devices read and write memory behind the compiler's back. */
#define MEMORY_BARRIER() __asm__ volatile("" ::: "memory")

/* Coprocessor Access Control Register: ARMv7-M Architecture Reference Manual, B3.2.20. */
#define CPACR REGISTER(0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)

/* Why the firmware gave up: what it writes to SYSTEM_PANIC. */
enum { PANIC_EXCEPTION = 1, PANIC_RETURNED = 2, PANIC_WRONG_BOARD = 3 };

/* Stop the board. */
void panic(uint32_t code);

#endif
