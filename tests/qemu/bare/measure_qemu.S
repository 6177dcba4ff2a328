/* Reads of a timer of 40 instructions a tick, around a call, from which the number of
 * instructions in between follows exactly (tests/qemu/vernier.py).
 *
 * void ed_measure(void (*measured)(ed_model_lap), uint32_t reads[2 * ED_READS])
 *
 * The loop is 41 instructions long, one more than a tick: from one read to the next the phase
 * within the tick moves on by one instruction, and where it passes the end of a tick the value
 * steps by 2 instead of 1.
 * Between the last read before and the first read after are 46 instructions of this function.
 */
    .syntax unified
    .cpu cortex-m4
    .thumb

    .equ READS, 42
    .equ TIMER_VALUE, 0x40000004    /* CMSDK APB timer 0, VALUE; counts down at 25 MHz */

    .macro read_timer
    movs    r7, #READS
1:  ldr     r3, [r6]
    str     r3, [r5], #4
    .rept 37
    nop
    .endr
    subs    r7, r7, #1
    bne     1b
    .endm

    .section .text.ed_measure, "ax", %progbits
    .global ed_measure
    .type ed_measure, %function
    .thumb_func
ed_measure:
    push    {r4-r10, lr}
    mov     r4, r0
    mov     r5, r1
    ldr     r6, =TIMER_VALUE
    read_timer
    movs    r0, #0                  /* no laps */
    nop
    blx     r4
    nop
    read_timer
    pop     {r4-r10, pc}
    .size ed_measure, . - ed_measure
