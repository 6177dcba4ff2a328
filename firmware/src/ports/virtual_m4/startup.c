/* From reset to ed_app_run(): the vector table, the floating-point unit, RAM. */
#include <stddef.h>
#include <stdint.h>

#include "app/ed_app.h"
#include "registers.h"

/* From link.ld. */
extern uint32_t ed_stack_high[];
extern uint32_t ed_data_load[];
extern uint32_t ed_data_low[];
extern uint32_t ed_data_high[];
extern uint32_t ed_bss_low[];
extern uint32_t ed_bss_high[];

void ed_port_start(void);

void panic(uint32_t code)
{
    SYSTEM_PANIC = code;
    for (;;) {
    }
}

/* The emulator reports a fault by itself; under another one, or on silicon, it ends here. */
static void exception(void)
{
    panic(PANIC_EXCEPTION);
}

/* Apart from ed_port_start(), so that none of it can need the floating-point unit before that is
 * enabled. */
static void __attribute__((noinline)) start_program(void)
{
    const uint32_t *from = ed_data_load;

    for (uint32_t *to = ed_data_low; to != ed_data_high; to++) {
        *to = *from++;
    }
    for (uint32_t *to = ed_bss_low; to != ed_bss_high; to++) {
        *to = 0;
    }
    ed_app_run();
    panic(PANIC_RETURNED);
}

void ed_port_start(void)
{
    CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    start_program();
}

/* ARMv7-M Architecture Reference Manual, B1.5.3: the stack's top, then handlers 1 (reset) to 15.
 * The board has no interrupts. */
struct vector_table {
    uint32_t *stack;
    void (*handlers[15])(void);
};

extern const struct vector_table ed_vectors;

const struct vector_table ed_vectors __attribute__((section(".vectors"), used)) = {
    ed_stack_high,
    {ed_port_start, exception, exception, exception, exception, exception, NULL, NULL, NULL, NULL,
     exception, exception, NULL, exception, exception},
};
