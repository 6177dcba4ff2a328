/* Depthwise convolution, int8, Cortex-M4, without dilation. The same outputs as nn/depthwise.h.
 *
 * One channel at a time: its map is copied out, widened to int16 and padded, column by column, so
 * that two rows of a column are one word; then SMLAD takes two taps at once. With a 3x3 kernel and
 * stride 1 two output rows share their loads.
 *
 * weights    [channels * multiples][kernel_width][kernel_height] int8
 * scratch    [plane_width][plane_height] int16; plane_height even
 * output     [batches, output_height, output_width, channels * multiples] int8; may be `input`
 *            with one multiple and no more outputs than inputs: a channel is read to its end
 *            before it is written, and its outputs lie where its inputs were
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
    int32_t pad_top, pad_left;
    int32_t input_zero_point;  /* [-128, 127], what padding holds */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t plane_width, plane_height;
    int32_t quick, rectified; /* see ed_dsp_scale */
} ed_m4_depthwise_shape;

/* A pair of int16. */
ED_INLINE uint32_t ed_m4_depthwise_pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xffffu) | (uint32_t)high << 16;
}

/* The smaller of two sizes. */
ED_INLINE int32_t ed_m4_depthwise_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Copy one channel into the plane; the padding around it is there already. */
ED_INLINE void ed_m4_depthwise_copy(const ed_m4_depthwise_shape *s, const int8_t *input,
                                    ed_dsp_half *plane)
{
    const int32_t row = s->input_width * s->channels;
    const int32_t width = ed_m4_depthwise_least(s->input_width, s->plane_width - s->pad_left);
    const int32_t height = ed_m4_depthwise_least(s->input_height, s->plane_height - s->pad_top);
    for (int32_t x = 0; x < width; ++x) {
        ed_dsp_half *to = plane + (x + s->pad_left) * s->plane_height + s->pad_top;
        const int8_t *from = input + x * s->channels;
        int32_t y = 0;
        for (; y + 4 <= height; y += 4) { /* loads in a row, then stores in a row */
            const int32_t a = from[0], b = from[row], c = from[2 * row], d = from[3 * row];
            to[0] = (int16_t)a;
            to[1] = (int16_t)b;
            to[2] = (int16_t)c;
            to[3] = (int16_t)d;
            to += 4;
            from += 4 * row;
        }
        for (; y < height; ++y) {
            *to++ = *from;
            from += row;
        }
    }
}

/* One kernel column for two output rows. words: rows (0, 1) and (2, 3) of a plane's column;
 * pair: taps 0 and 1; last: taps 1 and 2. One statement, so that no compiler spreads the loads. */
ED_INLINE void ed_m4_depthwise_column(const uint32_t *words, uint32_t pair, uint32_t last,
                                      uint32_t *upper, uint32_t *lower)
{
    uint32_t top, bottom;
    __asm__("ldr %[top], [%[words]]\n\t"
            "ldr %[bottom], [%[words], #4]\n\t"
            "smlad %[upper], %[top], %[pair], %[upper]\n\t"
            "smlatb %[lower], %[top], %[pair], %[lower]\n\t"
            "smlabt %[upper], %[bottom], %[last], %[upper]\n\t"
            "smlad %[lower], %[bottom], %[last], %[lower]"
            : [upper] "+&r"(*upper), [lower] "+&r"(*lower), [top] "=&r"(top),
              [bottom] "=&r"(bottom)
            : [pair] "r"(pair), [last] "r"(last), [words] "r"(words)
            : "memory");
}

/* 3x3, stride 1: two output rows at a time down a column. */
ED_INLINE void ed_m4_depthwise_3x3(const ed_m4_depthwise_shape *s, const ed_dsp_half *plane,
                                   const int8_t *weights, uint32_t bias, ed_dsp_channel channel,
                                   const ed_dsp_scale *scale, int8_t *output)
{
    const int32_t column = s->plane_height / 2; /* in words */
    const int32_t pixel = s->channels * s->multiples;
    const int32_t row = s->output_width * pixel;
    const uint32_t a0 = ed_m4_depthwise_pair(weights[0], weights[1]);
    const uint32_t b0 = ed_m4_depthwise_pair(weights[1], weights[2]);
    const uint32_t a1 = ed_m4_depthwise_pair(weights[3], weights[4]);
    const uint32_t b1 = ed_m4_depthwise_pair(weights[4], weights[5]);
    const uint32_t a2 = ed_m4_depthwise_pair(weights[6], weights[7]);
    const uint32_t b2 = ed_m4_depthwise_pair(weights[7], weights[8]);
    for (int32_t x = 0; x < s->output_width; ++x) {
        const uint32_t *words = (const uint32_t *)(const void *)plane + x * column;
        int8_t *to = output + x * pixel;
        for (int32_t left = s->output_height; left > 0; left -= 2) {
            uint32_t upper = bias, lower = bias;
            ed_m4_depthwise_column(words, a0, b0, &upper, &lower);
            ed_m4_depthwise_column(words + column, a1, b1, &upper, &lower);
            ed_m4_depthwise_column(words + 2 * column, a2, b2, &upper, &lower);
            *to = (int8_t)ed_dsp_requantize(scale, channel, upper);
            to += row;
            if (s->output_height % 2 == 0 || left > 1) {
                *to = (int8_t)ed_dsp_requantize(scale, channel, lower);
                to += row;
            }
            ++words;
        }
    }
}

/* Any kernel and stride: two taps at a time down each kernel column, an odd one by itself. */
ED_INLINE void ed_m4_depthwise_any(const ed_m4_depthwise_shape *s, const ed_dsp_half *plane,
                                   const int8_t *weights, uint32_t bias, ed_dsp_channel channel,
                                   const ed_dsp_scale *scale, int8_t *output)
{
    const int32_t pixel = s->channels * s->multiples;
    for (int32_t y = 0; y < s->output_height; ++y) {
        for (int32_t x = 0; x < s->output_width; ++x) {
            const ed_dsp_half *at = plane + x * s->stride_x * s->plane_height + y * s->stride_y;
            const int8_t *w = weights;
            uint32_t sum = bias;
            for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
                for (int32_t ky = 0; ky + 2 <= s->kernel_height; ky += 2) {
                    sum = ed_dsp_smlad(ed_dsp_load(at + ky), ed_m4_depthwise_pair(w[0], w[1]), sum);
                    w += 2;
                }
                if (s->kernel_height % 2 != 0) {
                    sum += (uint32_t)(at[s->kernel_height - 1] * *w++);
                }
                at += s->plane_height;
            }
            *output = (int8_t)ed_dsp_requantize(scale, channel, sum);
            output += pixel;
        }
    }
}

ED_INLINE void ed_m4_depthwise(const ed_m4_depthwise_shape *s, const int8_t *input,
                               const int8_t *weights, const int32_t *bias,
                               const int32_t *multiplier, const int8_t *shift, int8_t *output,
                               uint32_t *scratch)
{
    const ed_dsp_scale scale = {s->output_zero_point, s->lowest, s->highest, s->quick,
                                s->rectified};
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int32_t outputs = s->channels * s->multiples;
    ed_dsp_half *const plane = (ed_dsp_half *)(void *)scratch;
    const uint32_t fill = ed_m4_depthwise_pair(s->input_zero_point, s->input_zero_point);
    for (int32_t i = 0; i < s->plane_width * s->plane_height / 2; ++i) {
        scratch[i] = fill;
    }
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t o = 0; o < outputs; ++o) {
            if (o % s->multiples == 0) {
                ed_m4_depthwise_copy(s, input + o / s->multiples, plane);
            }
            const ed_dsp_channel channel = ed_dsp_prepare(&scale, multiplier[o], shift[o]);
            if (s->kernel_height == 3 && s->kernel_width == 3 && s->stride_y == 1 &&
                s->stride_x == 1) {
                ed_m4_depthwise_3x3(s, plane, weights + o * taps, (uint32_t)bias[o], channel,
                                    &scale, output + o);
            } else {
                ed_m4_depthwise_any(s, plane, weights + o * taps, (uint32_t)bias[o], channel,
                                    &scale, output + o);
            }
        }
        input += s->input_height * s->input_width * s->channels;
        output += s->output_height * s->output_width * outputs;
    }
}

#endif
