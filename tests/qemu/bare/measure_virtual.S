/* The virtual board's instruction counter, around a call.
 *
 * void ed_measure(void (*measured)(ed_model_lap), uint32_t reads[4])
 *
 * reads: low and high word of INSTRUCTIONS before and after (docs/virtual_board.md). Both are
 * latched by the same instruction, which makes their difference exact; 8 instructions of it are
 * this function's: nop, movs, blx, bl, and the 4 of `latch`.
 */
    .syntax unified
    .cpu cortex-m4
    .thumb

    .equ COUNTERS, 0xA0001000

    .section .text.ed_measure, "ax", %progbits
    .global ed_measure
    .type ed_measure, %function
    .thumb_func
ed_measure:
    push    {r4-r10, lr}
    mov     r4, r0
    mov     r5, r1
    ldr     r6, =COUNTERS
    bl      latch
    nop
    movs    r0, #0                  /* no laps */
    blx     r4
    bl      latch
    pop     {r4-r10, pc}

latch:
    str     r6, [r6]                /* LATCH */
    ldrd    r0, r1, [r6, #0x18]     /* INSTRUCTIONS */
    strd    r0, r1, [r5], #8
    bx      lr
    .size ed_measure, . - ed_measure
