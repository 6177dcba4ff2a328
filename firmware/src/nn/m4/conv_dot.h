/* The inner product of CONV_2D on Cortex-M4: two pixels' columns times every output channel.
 *
 * All of it is assembly, because it takes every register that there is: four output channels of
 * two pixels are eight sums, two words of weights, two of columns, and two addresses. A step takes
 * two taps: four loads, two SXTB16, eight SMLAD, 15 cycles for 16 multiply-accumulates. Eight steps
 * make a round; the first round of four channels is entered where its last steps begin.
 *
 * A column is [steps][2] pairs of int16: two taps of pixel 0, the same two of pixel 1.
 *
 * `words`, for each four channels, the last filled up with weights of 0: a start of each sum;
 * [steps][2] words, the two taps of channels 0 and 1, of channels 2 and 3; then, where the sums are
 * scaled here, four multipliers and a word of shifts, channel 0 in its lowest byte.
 * A word of weights has a tap in each half. Paired, that half is the number 256 * (odd channel) +
 * (even channel): SMLAD of the word itself gives 256 times the odd sum and the even sum in one, and
 * what is taken off again is the even sum. In bytes, it is a byte of each channel, the even first.
 *
 * An output is (round + 2^8 * sum * multiplier / 2^32) >> shift >> 1, limited to an int8, where
 * round = ((2 * zero point + 1) << shift) + 2^6 and shift = 6 - (the reference's shift): the
 * reference's two roundings in one, for sums of 24 bits. The reference rounds halves below zero
 * away from zero: there one step of its first rounding, 2^7, is taken off. That cannot show, and is
 * left out, where all outputs below the zero point are clamped to one (`rectified`).
 */
#ifndef ED_NN_M4_CONV_DOT_H
#define ED_NN_M4_CONV_DOT_H

#include <stdint.h>

#include "nn/m4/conv_shape.h"

#define ED_M4_CONV_ROUND 8  /* steps */
#define ED_M4_CONV_CHUNK 16 /* channels whose sums are kept at once, where they are kept */

/* What the assembly is given; but for the first field, it keeps all on its stack. Addresses are
 * ahead of where they begin by the steps that the first round lacks. */
typedef struct {
    const uint32_t *words;
    uint32_t column, column_end; /* addresses; the end lies beyond the array */
    uint32_t skip;               /* bytes of code from the first step to the last, less 1 for Thumb */
    uint32_t ahead;              /* bytes from a group's first word to the weights */
    int32_t left;                /* output channels, less four */
    int32_t zero;                /* 2 * (output's zero point) + 1 */
    void *out[ED_M4_CONV_PIXELS];
} ed_m4_conv_job;

/* The stack: first those fields, `skip` become an address; then, for a group of less than four
 * channels, where its outputs go, and room for four of each pixel. */
#define ED_M4_CONV_COLUMN "[sp]"
#define ED_M4_CONV_COLUMN_END "[sp, #4]"
#define ED_M4_CONV_ENTRY "[sp, #8]"
#define ED_M4_CONV_AHEAD "[sp, #12]"
#define ED_M4_CONV_LEFT "[sp, #16]"
#define ED_M4_CONV_ZERO "[sp, #20]"
#define ED_M4_CONV_OUT0 "[sp, #24]"
#define ED_M4_CONV_OUT1 "[sp, #28]"
#define ED_M4_CONV_AT0 "[sp, #32]"
#define ED_M4_CONV_AT1 "[sp, #36]"
#define ED_M4_CONV_ROOM0 "#40"
#define ED_M4_CONV_ROOM1 "#44"
#define ED_M4_CONV_ROOM_TO_FRAME "#16" /* AT0 to the end */

/* r0: weights, of a round's last step. r1: column, likewise. r2, r3: a step of both pixels.
 * r4 to r11: sums, each of pixel 0 and pixel 1: of channel 0, 1, 2, 3. r12, lr: weights. */
#define ED_M4_CONV_LOAD(n) \
    "ldr r2, [r1, #8*" n "-56]\n" \
    "ldr r3, [r1, #8*" n "-52]\n"
#define ED_M4_CONV_LOAD_LAST \
    "ldr r3, [r1, #4]\n" \
    "ldr r2, [r1], #64\n"
#define ED_M4_CONV_MULTIPLY(w, p0, p1) \
    "smlad " p0 ", " w ", r2, " p0 "\n" \
    "smlad " p1 ", " w ", r3, " p1 "\n"

/* Steps of four channels, paired. */
#define ED_M4_CONV_PAIRED_SUMS \
    ED_M4_CONV_MULTIPLY("r12", "r6", "r7") \
    ED_M4_CONV_MULTIPLY("lr", "r10", "r11") \
    "sxtb16 r12, r12\n" \
    "sxtb16 lr, lr\n" \
    ED_M4_CONV_MULTIPLY("r12", "r4", "r5") \
    ED_M4_CONV_MULTIPLY("lr", "r8", "r9")
#define ED_M4_CONV_STEP_PAIRED(n) \
    "ldr lr, [r0, #8*" n "-52]\n" \
    "ldr r12, [r0, #8*" n "-56]\n" \
    ED_M4_CONV_LOAD(n) \
    ED_M4_CONV_PAIRED_SUMS
#define ED_M4_CONV_LAST_PAIRED \
    "ldr lr, [r0, #4]\n" \
    "ldr r12, [r0], #64\n" \
    ED_M4_CONV_LOAD_LAST \
    ED_M4_CONV_PAIRED_SUMS

/* Steps of four channels, in bytes: 18 cycles. */
#define ED_M4_CONV_WIDEN(e0, e1, o0, o1) \
    "sxtb16 lr, r12\n" \
    "sxtb16 r12, r12, ror #8\n" \
    ED_M4_CONV_MULTIPLY("lr", e0, e1) \
    ED_M4_CONV_MULTIPLY("r12", o0, o1)
#define ED_M4_CONV_STEP_BYTES(n) \
    "ldr r12, [r0, #8*" n "-52]\n" \
    ED_M4_CONV_LOAD(n) \
    ED_M4_CONV_WIDEN("r8", "r9", "r10", "r11") \
    "ldr r12, [r0, #8*" n "-56]\n" \
    ED_M4_CONV_WIDEN("r4", "r5", "r6", "r7")
#define ED_M4_CONV_LAST_BYTES \
    "ldr r12, [r0, #4]\n" \
    ED_M4_CONV_LOAD_LAST \
    ED_M4_CONV_WIDEN("r8", "r9", "r10", "r11") \
    "ldr r12, [r0], #64\n" \
    ED_M4_CONV_WIDEN("r4", "r5", "r6", "r7")

/* All steps of a round but the last. */
#define ED_M4_CONV_SEVEN(step) ".irp i, 0, 1, 2, 3, 4, 5, 6\n" step("\\i") ".endr\n"

/* Sums of a channel pair times 2^8. */
#define ED_M4_CONV_LIFT_PAIRED(e0, e1, o0, o1) \
    "sub " o0 ", " e0 "\n" \
    "sub " o1 ", " e1 "\n" \
    "lsl " e0 ", #8\n" \
    "lsl " e1 ", #8\n"
#define ED_M4_CONV_LIFT_BYTES(e0, e1, o0, o1) \
    "lsl " e0 ", #8\n" \
    "lsl " e1 ", #8\n" \
    "lsl " o0 ", #8\n" \
    "lsl " o1 ", #8\n"

/* A channel's outputs. m: its multiplier; r3: zero, then its rounding; r12: its shift. Pixel 1
 * comes first: beyond the last pixel its outputs go where pixel 0's go, which replace them.
 * The signed form keeps pixel 1's output address in memory until `t` has served. */
#define ED_M4_CONV_ROUNDING(zero) \
    "lsl r3, " zero ", r12\n" \
    "add r3, #64\n"
#define ED_M4_CONV_SCALE_RECTIFIED(p0, p1, m, t) \
    "smmla " p1 ", " p1 ", " m ", r3\n" \
    "smmla " p0 ", " p0 ", " m ", r3\n"
#define ED_M4_CONV_SCALE_SIGNED(p0, p1, m, t) \
    "lsr " t ", " p1 ", #31\n" \
    "smmla " p1 ", " p1 ", " m ", r3\n" \
    "sub " p1 ", " p1 ", " t ", lsl #7\n" \
    "lsr " t ", " p0 ", #31\n" \
    "smmla " p0 ", " p0 ", " m ", r3\n" \
    "sub " p0 ", " p0 ", " t ", lsl #7\n"
#define ED_M4_CONV_STORE(p0, p1) \
    "asr " p1 ", r12\n" \
    "asr " p0 ", r12\n" \
    "ssat " p1 ", #8, " p1 ", asr #1\n" \
    "ssat " p0 ", #8, " p0 ", asr #1\n" \
    "strb " p1 ", [lr], #1\n" \
    "strb " p0 ", [r1], #1\n"
#define ED_M4_CONV_EARLY_RECTIFIED "ldr lr, " ED_M4_CONV_OUT1 "\n"
#define ED_M4_CONV_LATE_RECTIFIED
#define ED_M4_CONV_EARLY_SIGNED
#define ED_M4_CONV_LATE_SIGNED "ldr lr, " ED_M4_CONV_OUT1 "\n"

/* What follows the sums of a group. r0 comes 56 bytes ahead of what follows the weights, and goes to
 * the next group; r1 and lr become where outputs go on, r7 the channels left. */
#define ED_M4_CONV_END_SCALED(lift, way) \
    "ldr r2, [r0, #-56]\n" \
    "ldr r12, [r0, #-40]\n" \
    "ldr r3, " ED_M4_CONV_ZERO "\n" \
    "ldr r1, " ED_M4_CONV_OUT0 "\n" \
    ED_M4_CONV_EARLY_##way \
    lift("r4", "r5", "r6", "r7") \
    lift("r8", "r9", "r10", "r11") \
    ED_M4_CONV_ROUNDING("r3") \
    ED_M4_CONV_SCALE_##way("r4", "r5", "r2", "lr")\
    ED_M4_CONV_LATE_##way \
    ED_M4_CONV_STORE("r4", "r5") \
    "ldr r2, [r0, #-52]\n" \
    "ldr r4, " ED_M4_CONV_ZERO "\n" \
    "lsr r12, #8\n" \
    ED_M4_CONV_ROUNDING("r4") \
    ED_M4_CONV_SCALE_##way("r6", "r7", "r2", "r5")\
    ED_M4_CONV_STORE("r6", "r7") \
    "ldr r2, [r0, #-48]\n" \
    "ldr r6, [r0, #-44]\n" \
    "ldr r7, " ED_M4_CONV_LEFT "\n" \
    "lsr r12, #8\n" \
    ED_M4_CONV_ROUNDING("r4") \
    ED_M4_CONV_SCALE_##way("r8", "r9", "r2", "r5")\
    ED_M4_CONV_STORE("r8", "r9") \
    "lsr r12, #8\n" \
    ED_M4_CONV_ROUNDING("r4") \
    ED_M4_CONV_SCALE_##way("r10", "r11", "r6", "r5")\
    ED_M4_CONV_STORE("r10", "r11") \
    "sub r0, #36\n"

/* The sums themselves as outputs, for what cannot be scaled here: `out` is int32. */
#define ED_M4_CONV_LOWER_PAIRED(e0, e1, o0, o1) \
    "sub " o0 ", " e0 "\n" \
    "sub " o1 ", " e1 "\n" \
    "asr " o0 ", #8\n" \
    "asr " o1 ", #8\n"
#define ED_M4_CONV_LOWER_BYTES(e0, e1, o0, o1)
#define ED_M4_CONV_END_SUMS(lower, way) \
    "ldr r1, " ED_M4_CONV_OUT0 "\n" \
    "ldr lr, " ED_M4_CONV_OUT1 "\n" \
    lower("r4", "r5", "r6", "r7") \
    lower("r8", "r9", "r10", "r11") \
    "stm lr!, {r5, r7, r9, r11}\n" \
    "stm r1!, {r4, r6, r8, r10}\n" \
    "ldr r7, " ED_M4_CONV_LEFT "\n" \
    "sub r0, #56\n"

/* The whole. r0: an ed_m4_conv_job. A last group of less than four channels goes to the room on
 * the stack, and the outputs that there are from there. */
#define ED_M4_CONV_ASSEMBLY(step, last, end) \
    "push {r4-r11, lr}\n" \
    "sub sp, " ED_M4_CONV_ROOM_TO_FRAME "\n" \
    "ldm r0, {r4-r12}\n" \
    "mov r0, r4\n" \
    "adr.w r1, 3f\n" \
    "sub r7, r1, r7\n" \
    "push {r5-r12}\n" \
    "mov r1, r11\n" \
    "mov lr, r12\n" \
    "cmp r9, #0\n" \
    "blt 4f\n" \
    "1:\n" \
    "ldr r4, [r0]\n" \
    "ldr r6, [r0, #4]\n" \
    "ldr r8, [r0, #8]\n" \
    "ldr r10, [r0, #12]\n" \
    "ldr r1, " ED_M4_CONV_COLUMN "\n" \
    "ldr r2, " ED_M4_CONV_AHEAD "\n" \
    "ldr r3, " ED_M4_CONV_ENTRY "\n" \
    "mov r5, r4\n" \
    "mov r7, r6\n" \
    "mov r9, r8\n" \
    "mov r11, r10\n" \
    "add r0, r2\n" \
    "bx r3\n" \
    "2:\n" \
    ED_M4_CONV_SEVEN(step) \
    "3:\n" \
    last \
    "ldr r12, " ED_M4_CONV_COLUMN_END "\n" \
    "cmp r1, r12\n" \
    "bne 2b\n" \
    end \
    "str r1, " ED_M4_CONV_OUT0 "\n" \
    "str lr, " ED_M4_CONV_OUT1 "\n" \
    "subs r7, #4\n" \
    "str r7, " ED_M4_CONV_LEFT "\n" \
    "bpl 1b\n" \
    "adds r2, r7, #4\n" \
    "beq 7f\n" \
    "bmi 5f\n" \
    "4:\n" \
    "str r1, " ED_M4_CONV_AT0 "\n" \
    "str lr, " ED_M4_CONV_AT1 "\n" \
    "add r1, sp, " ED_M4_CONV_ROOM0 "\n" \
    "add r2, sp, " ED_M4_CONV_ROOM1 "\n" \
    "str r1, " ED_M4_CONV_OUT0 "\n" \
    "str r2, " ED_M4_CONV_OUT1 "\n" \
    "b 1b\n" \
    "5:\n" \
    "ldr r0, " ED_M4_CONV_AT0 "\n" \
    "ldr r1, " ED_M4_CONV_AT1 "\n" \
    "add r3, sp, " ED_M4_CONV_ROOM0 "\n" \
    "adds r2, #4\n" \
    "6:\n" \
    "ldrb r4, [r3, #4]\n" \
    "strb r4, [r1], #1\n" \
    "ldrb r4, [r3], #1\n" \
    "strb r4, [r0], #1\n" \
    "subs r2, #1\n" \
    "bne 6b\n" \
    "7:\n" \
    "add sp, #48\n" \
    "pop {r4-r11, lr}\n"

/* A function that computes all outputs of two pixels. The assembly saves what it takes: some of
 * these registers may not be named as lost, if the compiler keeps a frame pointer. */
#define ED_M4_CONV_DOT(name, way, lift, end, scale) \
    static __attribute__((noinline, unused)) void name(const ed_m4_conv_job *job) \
    { \
        register const void *first __asm__("r0") = job; \
        __asm__ volatile( \
            ED_M4_CONV_ASSEMBLY(ED_M4_CONV_STEP_##way, ED_M4_CONV_LAST_##way, \
                                ED_M4_CONV_END_##end(ED_M4_CONV_##lift##_##way, scale)) \
            : "+r"(first) \
            : \
            : "r1", "r2", "r3", "r12", "cc", "memory"); \
    }

ED_M4_CONV_DOT(ed_m4_conv_paired_rectified, PAIRED, LIFT, SCALED, RECTIFIED)
ED_M4_CONV_DOT(ed_m4_conv_paired_signed, PAIRED, LIFT, SCALED, SIGNED)
ED_M4_CONV_DOT(ed_m4_conv_paired_sums, PAIRED, LOWER, SUMS, NONE)
ED_M4_CONV_DOT(ed_m4_conv_bytes_rectified, BYTES, LIFT, SCALED, RECTIFIED)
ED_M4_CONV_DOT(ed_m4_conv_bytes_signed, BYTES, LIFT, SCALED, SIGNED)
ED_M4_CONV_DOT(ed_m4_conv_bytes_sums, BYTES, LOWER, SUMS, NONE)

/* Bytes of code that a step takes. */
#define ED_M4_CONV_STEP_CODE(paired) ((paired) ? 56u : 64u)

#endif
