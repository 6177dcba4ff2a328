/* Functions of known length, to hold the instruction counters against: N nops and a return. */
    .syntax unified
    .cpu cortex-m4
    .thumb

    .macro nops count
    .section .text.ed_nops_\count, "ax", %progbits
    .global ed_nops_\count
    .type ed_nops_\count, %function
    .thumb_func
ed_nops_\count:
    .rept \count
    nop
    .endr
    bx      lr
    .size ed_nops_\count, . - ed_nops_\count
    .endm

    nops 0
    nops 1
    nops 39
    nops 40
    nops 41
    nops 1000
