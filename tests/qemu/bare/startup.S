/* Start of a bare-metal test image: vectors, FPU, variables, then ed_main().
 *
 * The same for mps2-an386 and for the virtual board: both are a Cortex-M4 whose vector table
 * stands first in the image.
 */
    .syntax unified
    .cpu cortex-m4
    .fpu fpv4-sp-d16
    .thumb

    .section .vectors, "a", %progbits
    .global ed_vectors
    .type ed_vectors, %object
ed_vectors:
    .word ed_stack_top
    .word ed_reset
    .rept 14                    /* NMI, the faults, SVC, PendSV, SysTick: none is expected */
    .word ed_fault
    .endr
    .size ed_vectors, . - ed_vectors

    .section .text.ed_reset, "ax", %progbits
    .global ed_reset
    .type ed_reset, %function
    .thumb_func
ed_reset:
    ldr     r0, =0xE000ED88     /* CPACR: full access to CP10 and CP11, the FPU */
    ldr     r1, [r0]
    orr     r1, r1, #0x00F00000
    str     r1, [r0]
    dsb
    isb
    ldr     r0, =ed_data_start
    ldr     r1, =ed_data_load
    ldr     r2, =ed_data_end
1:  cmp     r0, r2
    bhs     2f
    ldr     r3, [r1], #4
    str     r3, [r0], #4
    b       1b
2:  ldr     r0, =ed_bss_start
    ldr     r2, =ed_bss_end
    movs    r3, #0
3:  cmp     r0, r2
    bhs     4f
    str     r3, [r0], #4
    b       3b
4:  bl      ed_main
5:  b       5b
    .size ed_reset, . - ed_reset

    .section .text.ed_fault, "ax", %progbits
    .type ed_fault, %function
    .thumb_func
ed_fault:
    mov     r0, sp              /* the exception frame: r0-r3, r12, lr, pc, xpsr */
    ldr     r1, =0xE000ED28     /* CFSR: why */
    ldr     r1, [r1]
    bl      ed_report_fault
6:  b       6b
    .size ed_fault, . - ed_fault
