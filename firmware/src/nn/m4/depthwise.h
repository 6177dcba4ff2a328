/* Depthwise convolution, int8, Cortex-M4: any kernel, stride, dilation and multiple. The same
 * outputs as nn/depthwise.h. nn/m4/depthwise_3x3.h is faster where it serves.
 *
 * One output channel and one output row at a time: the input rows that it needs are kept as lines,
 * widened to int16 and padded, in a ring; then SMLAD takes two taps at once, along the rows, for
 * two outputs. With a dilation the columns of a line are sorted by their remainder, so that the
 * taps of an output are neighbours.
 *
 * weights    [channels * multiples][kernel_height][kernel_width] int8
 * scratch    [kernel_height][(kernel_width + 1) / 2] words, pairs of taps; then
 *            [lines][dilation_x][section] int16
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
    int32_t quick, rectified;  /* see ed_dsp_scale */
    int32_t lines;             /* (kernel_height - 1) * dilation_y + 1 */
    int32_t section;           /* columns of one remainder, and one more */
    int32_t columns;           /* of the input that windows reach */
} ed_m4_depthwise_shape;

/* Where column x of the padded map is in a line. */
ED_INLINE int32_t ed_m4_depthwise_column(const ed_m4_depthwise_shape *s, int32_t x)
{
    return s->dilation_x == 1 ? x : x % s->dilation_x * s->section + x / s->dilation_x;
}

/* Row y of a channel into a line; the padding left and right of it is there already. */
ED_INLINE void ed_m4_depthwise_line(const ed_m4_depthwise_shape *s, const int8_t *input, int32_t y,
                                    ed_dsp_half *line)
{
    const int in = y >= 0 && y < s->input_height;
    const int8_t *from = input + (in ? y : 0) * s->input_width * s->channels;
    for (int32_t x = 0; x < s->columns; ++x) {
        line[ed_m4_depthwise_column(s, x + s->pad_left)] =
            (int16_t)(in ? *from : s->input_zero_point);
        from += s->channels;
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

/* One output row of one channel, from the lines; `oldest` is the one with the first kernel row. */
ED_INLINE void ed_m4_depthwise_row(const ed_m4_depthwise_shape *s, const ed_dsp_half *lines,
                                   int32_t oldest, const uint32_t *pairs, uint32_t bias,
                                   ed_dsp_channel channel, const ed_dsp_scale *scale,
                                   int8_t *output)
{
    const int32_t pixel = s->channels * s->multiples;
    const int32_t length = s->dilation_x * s->section;
    for (int32_t x = 0; x < s->output_width; x += 2) {
        const int32_t other = x + 1 < s->output_width ? x + 1 : x;
        const int32_t left = ed_m4_depthwise_column(s, x * s->stride_x);
        const int32_t right = ed_m4_depthwise_column(s, other * s->stride_x) - left;
        const uint32_t *w = pairs;
        uint32_t sum = bias, sum_right = bias;
        int32_t line = oldest;
        for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
            const ed_dsp_half *at = lines + line * length + left;
            for (int32_t kx = 0; kx < s->kernel_width; kx += 2) {
                const uint32_t taps = *w++;
                sum = ed_dsp_smlad(ed_dsp_load(at), taps, sum);
                sum_right = ed_dsp_smlad(ed_dsp_load(at + right), taps, sum_right);
                at += 2;
            }
            line += s->dilation_y;
            line -= line >= s->lines ? s->lines : 0;
        }
        output[(other - x) * pixel] = (int8_t)ed_dsp_requantize(scale, channel, sum_right);
        *output = (int8_t)ed_dsp_requantize(scale, channel, sum);
        output += 2 * pixel;
    }
}

ED_INLINE void ed_m4_depthwise(const ed_m4_depthwise_shape *s, const int8_t *input,
                               const int8_t *weights, const int32_t *bias,
                               const int32_t *multiplier, const int8_t *shift, int8_t *output,
                               uint32_t *scratch)
{
    const ed_dsp_scale scale = {s->output_zero_point, s->lowest, s->highest, s->quick,
                                s->rectified};
    const int32_t outputs = s->channels * s->multiples;
    const int32_t length = s->dilation_x * s->section;
    uint32_t *const pairs = scratch;
    ed_dsp_half *const lines =
        (ed_dsp_half *)(void *)(scratch + s->kernel_height * ((s->kernel_width + 1) / 2));
    for (int32_t i = 0; i < s->lines * length; ++i) {
        lines[i] = (int16_t)s->input_zero_point;
    }
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t o = 0; o < outputs; ++o) {
            const ed_dsp_channel channel = ed_dsp_prepare(&scale, multiplier[o], shift[o]);
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
                ed_m4_depthwise_row(s, lines, line, pairs, (uint32_t)bias[o], channel, &scale,
                                    output + y * s->output_width * outputs + o);
            }
        }
        input += s->input_height * s->input_width * s->channels;
        output += s->output_height * s->output_width * outputs;
    }
}

#endif
