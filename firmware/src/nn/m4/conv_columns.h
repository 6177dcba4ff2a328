/* The columns that CONV_2D multiplies on Cortex-M4: the bytes under a kernel, widened to int16.
 *
 * A column is [steps] words, every other word of a buffer that two pixels share, each a pair of
 * taps (SMLAD wants them so). The taps of a kernel row that are neighbours in memory are one run.
 * In a run, each four taps k come as k and k+2, then k+1 and k+3, as SXTB16 gives them; of the last
 * one to three, the first alone, or both, or the first and the third and then the second.
 * A tap that is not there has the weight 0.
 */
#ifndef ED_NN_M4_CONV_COLUMNS_H
#define ED_NN_M4_CONV_COLUMNS_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/conv_shape.h"
#include "nn/m4/dsp.h"

/* Runs of one length, as the assembly reads them. */
typedef struct {
    uint32_t blocks; /* of 16 bytes */
    uint32_t skip;   /* bytes of code before what follows the fours, less 1 for Thumb code */
    uint32_t rest;   /* bytes after blocks and fours, [0, 3] */
    uint32_t count;  /* runs, above 0 */
    uint32_t pitch;  /* bytes from the end of a run to the next */
    uint32_t step;   /* bytes from the end of a run's column to the next's */
} ed_m4_conv_runs;

ED_INLINE ed_m4_conv_runs ed_m4_conv_runs_of(int32_t bytes, int32_t count, int32_t pitch)
{
    ed_m4_conv_runs runs;
    runs.blocks = (uint32_t)bytes / 16;
    runs.skip = (uint32_t)bytes / 4 % 4 * 20 - 1;
    runs.rest = (uint32_t)bytes % 4;
    runs.count = (uint32_t)count;
    runs.pitch = (uint32_t)pitch;
    runs.step = 0;
    return runs;
}

/* Widen runs. Returns where the column goes on. A block of 16 bytes takes 25 cycles. */
static __attribute__((noinline, unused)) uint32_t *ed_m4_conv_widen(uint32_t *column,
                                                                    const int8_t *bytes,
                                                                    const ed_m4_conv_runs *runs)
{
    register uint32_t *to __asm__("r0") = column;
    register const int8_t *from __asm__("r1") = bytes;
    register const ed_m4_conv_runs *how __asm__("r2") = runs;
    __asm__ volatile(
        "push {r4-r11, lr}\n\t"
        "ldm r2, {r3-r8}\n\t"
        "adr.w r12, 4f\n\t"
        "sub r4, r12, r4\n"
        "1:\n\t"
        "movs r2, r3\n\t"
        "beq 3f\n"
        "2:\n\t"
        "ldr r9, [r1, #4]\n\t"
        "ldr r10, [r1, #8]\n\t"
        "ldr r11, [r1, #12]\n\t"
        "ldr r12, [r1], #16\n\t"
        "sxtb16 lr, r12\n\t"
        "str lr, [r0], #64\n\t"
        "sxtb16 r12, r12, ror #8\n\t"
        "str r12, [r0, #-56]\n\t"
        "sxtb16 lr, r9\n\t"
        "str lr, [r0, #-48]\n\t"
        "sxtb16 r9, r9, ror #8\n\t"
        "str r9, [r0, #-40]\n\t"
        "sxtb16 lr, r10\n\t"
        "str lr, [r0, #-32]\n\t"
        "sxtb16 r10, r10, ror #8\n\t"
        "str r10, [r0, #-24]\n\t"
        "sxtb16 lr, r11\n\t"
        "str lr, [r0, #-16]\n\t"
        "sxtb16 r11, r11, ror #8\n\t"
        "str r11, [r0, #-8]\n\t"
        "subs r2, #1\n\t"
        "bne 2b\n"
        "3:\n\t"
        "bx r4\n\t"
        ".rept 3\n\t"
        "ldr r12, [r1], #4\n\t"
        "sxtb16 lr, r12\n\t"
        "sxtb16 r12, r12, ror #8\n\t"
        "str lr, [r0], #8\n\t"
        "str r12, [r0], #8\n\t"
        ".endr\n"
        "4:\n\t"
        "cbz r5, 7f\n\t"
        "cmp r5, #2\n\t"
        "bge 5f\n\t"
        "ldrsb r12, [r1], #1\n\t"
        "str r12, [r0], #8\n\t"
        "b 7f\n"
        "5:\n\t"
        "bgt 6f\n\t"
        "ldrsb r9, [r1, #1]\n\t"
        "ldrsb r12, [r1], #2\n\t"
        "pkhbt r12, r12, r9, lsl #16\n\t"
        "str r12, [r0], #8\n\t"
        "b 7f\n"
        "6:\n\t"
        "ldrsb r9, [r1, #2]\n\t"
        "ldrsb r10, [r1, #1]\n\t"
        "ldrsb r12, [r1], #3\n\t"
        "pkhbt r12, r12, r9, lsl #16\n\t"
        "str r12, [r0], #8\n\t"
        "str r10, [r0], #8\n"
        "7:\n\t"
        "add r1, r7\n\t"
        "add r0, r8\n\t"
        "subs r6, #1\n\t"
        "bne 1b\n\t"
        "pop {r4-r11, lr}\n\t"
        : "+r"(to), "+r"(from), "+r"(how)
        :
        : "r3", "r12", "cc", "memory");
    return to;
}

/* The bytes of a patch, its first tap at (top, left), that reaches over an edge. `to` is aligned to
 * words. */
ED_INLINE void ed_m4_conv_gather(const ed_m4_conv_shape *s, const int8_t *input, int8_t *to,
                                 int32_t top, int32_t left)
{
    const uint32_t fill = (uint8_t)s->input_zero_point * 0x01010101u;
    const int32_t channels = s->input_channels;
    const int32_t by = channels % 4 == 0 ? 4 : 1;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int inside = y >= 0 && y < s->input_height && x >= 0 && x < s->input_width;
            const int8_t *from =
                inside ? input + (y * s->input_width + x) * channels : (const int8_t *)&fill;
            const int32_t step = inside ? by : 0;
            for (const int8_t *const end = to + channels; to < end; to += by) {
                if (by == 4) {
                    ed_dsp_store(to, ed_dsp_load(from));
                } else {
                    *to = *from;
                }
                from += step;
            }
        }
    }
}

#endif
