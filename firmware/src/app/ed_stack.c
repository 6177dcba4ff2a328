#include "app/ed_stack.h"

#include <stdbool.h>

#include "ports/ed_port.h"

/* Below the marker of ed_stack_paint() its own frame may still be, and the writes must miss it. */
enum { PAINT = 0xA5, OWN_FRAME_BYTES = 64 };

static bool painted;

void ed_stack_paint(void)
{
    const ed_port_stack_bounds stack = ed_port_stack();
    volatile uint8_t marker = 0;
    /* An address as a number: a comparison of pointers into different objects is undefined. */
    const uintptr_t here = (uintptr_t)&marker;
    const uintptr_t low = (uintptr_t)stack.low;

    if (stack.low == NULL || here <= low + OWN_FRAME_BYTES || here >= (uintptr_t)stack.high) {
        return; /* the last: these are the bounds of another stack */
    }
    painted = true;
    for (uintptr_t at = low; at < here - OWN_FRAME_BYTES; at++) {
        *(volatile uint8_t *)at = PAINT; /* volatile: memset's own frame would be in the way */
    }
}

uint32_t ed_stack_peak(void)
{
    const ed_port_stack_bounds stack = ed_port_stack();
    const volatile uint8_t *at = stack.low;

    if (!painted) {
        return 0;
    }
    while (at != stack.high && *at == PAINT) {
        at++;
    }
    return (uint32_t)(stack.high - at);
}
