/* Depthwise convolution, int8, Cortex-M4: any kernel and multiple, any stride or dilation along a
 * row but not both. The same outputs as nn/depthwise.h; nn/m4/depthwise_3x3.h is faster where it
 * serves.
 *
 * One output channel and one output row at a time: the input rows that it needs are kept as lines,
 * widened to int16 and padded, in a ring; then SMLAD takes two taps at once, along the rows, for
 * four outputs. With a dilation the columns of a line are sorted by their remainder, so that the
 * taps of an output are neighbours, and so are the outputs of a remainder.
 *
 * weights    [channels * multiples][kernel_height][kernel_width] int8
 * scratch    [kernel_height][(kernel_width + 1) / 2] words, pairs of taps; [kernel_height] words,
 *            the steps of a block; then [lines][dilation_x][section] int16, and 3 * stride_x int16
 *            that are read for nothing
 * output     [batches, output_height, output_width, channels * multiples] int8; may be `input`
 *            with one multiple: a channel's outputs lie where its inputs were, never behind what
 *            has been read
 */
#ifndef ED_NN_M4_DEPTHWISE_H
#define ED_NN_M4_DEPTHWISE_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width, multiples;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    int32_t input_zero_point;  /* [-128, 127], what padding holds */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t quick;             /* see ed_dsp_scale */
    int32_t lines;             /* (kernel_height - 1) * dilation_y + 1 */
    int32_t section;           /* columns of one remainder, and one more */
    int32_t columns;           /* of the input that windows reach */
} ed_m4_depthwise_shape;

/* Row y of a channel into a line; the padding left and right of it is there already. */
ED_INLINE void ed_m4_depthwise_line(const ed_m4_depthwise_shape *s, const int8_t *input, int32_t y,
                                    ed_dsp_half *line)
{
    const int in = y >= 0 && y < s->input_height;
    const int32_t step = s->channels;
    for (int32_t phase = 0; phase < s->dilation_x; ++phase) {
        /* The first column of the input with this remainder, once it is padded. */
        const int32_t first = s->pad_left <= phase
                                  ? phase
                                  : phase + (s->pad_left - phase + s->dilation_x - 1) /
                                                s->dilation_x * s->dilation_x;
        const int8_t *from = input + (in ? y * s->input_width + first - s->pad_left : 0) * step;
        ed_dsp_half *to = line + phase * s->section + first / s->dilation_x;
        for (int32_t x = first - s->pad_left; x < s->columns; x += s->dilation_x) {
            *to++ = (int16_t)(in ? *from : s->input_zero_point);
            from += s->dilation_x * step;
        }
    }
}

/* A channel's weights as pairs; an odd one at the end of a row goes with 0. */
ED_INLINE void ed_m4_depthwise_pairs(const ed_m4_depthwise_shape *s, const int8_t *weights,
                                     uint32_t *pairs)
{
    for (int32_t y = 0; y < s->kernel_height; ++y) {
        for (int32_t x = 0; x < s->kernel_width; x += 2) {
            const uint32_t right = x + 1 < s->kernel_width ? (uint32_t)weights[x + 1] : 0;
            *pairs++ = ((uint32_t)weights[x] & 0xffffu) | right << 16;
        }
        weights += s->kernel_width;
    }
}

/* Four outputs, in the order in which the loop takes it. steps: bytes from one kernel row's taps in
 * the lines, behind its last pair, to the next row's first; before the first, 0. sums: as they
 * begin, then as they are. at: the first output's first tap; the others' are `step` bytes apart. */
typedef struct {
    const int32_t *steps;
    int32_t kernel_height;
    const ed_dsp_half *at;
    const uint32_t *pairs;
    uint32_t sums[4];
    int32_t step, three_steps;
    int32_t count; /* pairs of a kernel row */
} ed_m4_depthwise_block;

/* All taps of four outputs. r0 to r10 as in the structure, r11, r12 and lr data. */
__attribute__((naked, noinline)) static void
ed_m4_depthwise_four(__attribute__((unused)) ed_m4_depthwise_block *block)
{
    __asm__ volatile("push {r0, r4-r11, lr}\n\t"
                     "mov r11, r0\n\t"
                     "ldm r11, {r0-r10}\n\t"
                     "push {r10}\n"
                     "1:\n\t"
                     "ldr r11, [r0], #4\n\t"
                     "ldr r10, [sp]\n\t"
                     "add r2, r2, r11\n"
                     "2:\n\t"
                     "ldr r11, [r3], #4\n\t"
                     "ldr r12, [r2]\n\t"
                     "ldr lr, [r2, r8]\n\t"
                     "subs r10, r10, #1\n\t"
                     "smlad r4, r12, r11, r4\n\t"
                     "smlad r5, lr, r11, r5\n\t"
                     "ldr r12, [r2, r8, lsl #1]\n\t"
                     "ldr lr, [r2, r9]\n\t"
                     "add r2, r2, #4\n\t"
                     "smlad r6, r12, r11, r6\n\t"
                     "smlad r7, lr, r11, r7\n\t"
                     "bne 2b\n\t"
                     "subs r1, r1, #1\n\t"
                     "bne 1b\n\t"
                     "pop {r0, r1}\n\t"
                     "add r1, r1, #16\n\t"
                     "stm r1, {r4-r7}\n\t"
                     "pop {r4-r11, pc}");
}

/* Those outputs of a row that a section of the lines gives. */
ED_INLINE void ed_m4_depthwise_section(const ed_m4_depthwise_shape *s,
                                       ed_m4_depthwise_block *block, uint32_t bias,
                                       ed_dsp_channel channel, const ed_dsp_scale *scale,
                                       int32_t outputs, int8_t *output)
{
    const int32_t pixel = s->channels * s->multiples * s->dilation_x;
    for (; outputs > 0; outputs -= 4) {
        for (int32_t i = 0; i < 4; ++i) {
            block->sums[i] = bias;
        }
        ed_m4_depthwise_four(block);
        for (int32_t i = 0; i < 4 && i < outputs; ++i) {
            *output = (int8_t)ed_dsp_requantize(scale, channel, block->sums[i]);
            output += pixel;
        }
        block->at += 4 * s->stride_x;
    }
}

/* How the loop goes from kernel row to kernel row; `oldest` is the line with the first. Returns
 * where that is. */
ED_INLINE int32_t ed_m4_depthwise_steps(const ed_m4_depthwise_shape *s, int32_t oldest,
                                        int32_t *steps)
{
    const int32_t length = s->dilation_x * s->section;
    int32_t line = oldest;
    *steps++ = 0;
    for (int32_t ky = 1; ky < s->kernel_height; ++ky) {
        const int32_t next = line + s->dilation_y;
        const int32_t wrapped = next >= s->lines ? next - s->lines : next;
        *steps++ = 2 * (wrapped - line) * length - 4 * ((s->kernel_width + 1) / 2);
        line = wrapped;
    }
    return oldest * length;
}

/* quick: as the shape's, and outputs are all int8. */
ED_INLINE void ed_m4_depthwise(const ed_m4_depthwise_shape *s, const int8_t *input,
                               const int8_t *weights, const int32_t *bias,
                               const int32_t *multiplier, const int8_t *shift, int8_t *output,
                               uint32_t *scratch, int32_t quick)
{
    const ed_dsp_scale any = {s->output_zero_point, s->lowest, s->highest, s->quick, 0};
    const ed_dsp_scale plain = {s->output_zero_point, INT8_MIN, INT8_MAX, 1, 0};
    const ed_dsp_scale *const scale = quick ? &plain : &any;
    const int32_t outputs = s->channels * s->multiples;
    const int32_t length = s->dilation_x * s->section;
    const int32_t count = (s->kernel_width + 1) / 2;
    uint32_t *const pairs = scratch;
    int32_t *const steps = (int32_t *)(scratch + s->kernel_height * count);
    ed_dsp_half *const lines = (ed_dsp_half *)(void *)(steps + s->kernel_height);
    ed_m4_depthwise_block block;
    block.steps = steps;
    block.kernel_height = s->kernel_height;
    block.pairs = pairs;
    block.step = 2 * s->stride_x;
    block.three_steps = 3 * block.step;
    block.count = count;
    for (int32_t i = 0; i < s->lines * length; ++i) {
        lines[i] = (int16_t)s->input_zero_point;
    }
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t o = 0; o < outputs; ++o) {
            const ed_dsp_channel channel = ed_dsp_prepare(scale, multiplier[o], shift[o]);
            ed_m4_depthwise_pairs(s, weights + o * s->kernel_height * s->kernel_width, pairs);
            int32_t next = -s->pad_top; /* the next input row to become a line */
            int32_t line = 0;           /* where it goes: where the oldest is */
            for (int32_t y = 0; y < s->output_height; ++y) {
                const int32_t end = y * s->stride_y - s->pad_top + s->lines;
                for (; next < end; ++next) {
                    ed_m4_depthwise_line(s, input + o / s->multiples, next,
                                         lines + line * length);
                    line = line + 1 == s->lines ? 0 : line + 1;
                }
                const ed_dsp_half *at = lines + ed_m4_depthwise_steps(s, line, steps);
                int8_t *to = output + y * s->output_width * outputs + o;
                for (int32_t phase = 0; phase < s->dilation_x; ++phase) {
                    block.at = at;
                    ed_m4_depthwise_section(
                        s, &block, (uint32_t)bias[o], channel, scale,
                        (s->output_width - phase + s->dilation_x - 1) / s->dilation_x, to);
                    at += s->section;
                    to += outputs;
                }
            }
        }
        input += s->input_height * s->input_width * s->channels;
        output += s->output_height * s->output_width * outputs;
    }
}

#endif
