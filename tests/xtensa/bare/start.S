/* Where QEMU's `sim` machine begins: at its reset vector, the first word of the image. */
    .section .reset, "ax"
    j start

    .text
    .align 4
    .global start
start:
    movi a1, stack_high
    movi a0, 0
    call0 ed_main
    movi a2, 0
    call0 ed_exit

/* int32_t ed_simcall(number, a, b, c): the simulator's calls, whose registers are the ABI's. */
    .align 4
    .global ed_simcall
ed_simcall:
    simcall
    ret
