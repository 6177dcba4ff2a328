/* Depthwise convolution, int8, Cortex-M4: four channels at a time, any window. The same outputs as
 * nn/depthwise.h, faster than nn/m4/depthwise.h where a map has few columns: streaming models
 * have one.
 *
 * channels   a multiple of 4, one output channel for each
 * weights    [kernel_height, kernel_width, channels] int8
 * output     [batches, output_height, output_width, channels] int8; may be `input` if it is a single
 *            pixel: its channels lie where only they have read
 */
#ifndef ED_NN_M4_DEPTHWISE_FOURS_H
#define ED_NN_M4_DEPTHWISE_FOURS_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    uint32_t padding;          /* four of the input's zero point */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t quick, rectified;  /* see ed_dsp_scale */
} ed_m4_depthwise_fours_shape;

/* Whether (y, x) is in the input. */
ED_INLINE int ed_m4_depthwise_fours_in(const ed_m4_depthwise_fours_shape *s, int32_t y, int32_t x)
{
    return y >= 0 && y < s->input_height && x >= 0 && x < s->input_width;
}

/* The accumulators of four channels of the window whose first tap is at (top, left). input and
 * weights: from the first of the four on. */
ED_INLINE void ed_m4_depthwise_fours_sums(const ed_m4_depthwise_fours_shape *s, const int8_t *input,
                                          const int8_t *weights, int32_t top, int32_t left,
                                          uint32_t sums[4])
{
    const int whole = ed_m4_depthwise_fours_in(s, top, left) &&
                      ed_m4_depthwise_fours_in(s, top + (s->kernel_height - 1) * s->dilation_y,
                                               left + (s->kernel_width - 1) * s->dilation_x);
    uint32_t sum_0 = sums[0], sum_1 = sums[1], sum_2 = sums[2], sum_3 = sums[3];
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        int32_t at = (y * s->input_width + left) * s->channels;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int in = whole || ed_m4_depthwise_fours_in(s, y, left + kx * s->dilation_x);
            const uint32_t four = in ? ed_dsp_load(input + at) : s->padding;
            const uint32_t taps = ed_dsp_load(weights);
            const uint32_t even = ed_dsp_sxtb16(four);
            const uint32_t even_taps = ed_dsp_sxtb16(taps);
            sum_0 = ed_dsp_smlabb(even, even_taps, sum_0);
            sum_2 = ed_dsp_smlatt(even, even_taps, sum_2);
            const uint32_t odd = ed_dsp_sxtb16_odd(four);
            const uint32_t odd_taps = ed_dsp_sxtb16_odd(taps);
            sum_1 = ed_dsp_smlabb(odd, odd_taps, sum_1);
            sum_3 = ed_dsp_smlatt(odd, odd_taps, sum_3);
            at += s->dilation_x * s->channels;
            weights += s->channels;
        }
    }
    sums[0] = sum_0;
    sums[1] = sum_1;
    sums[2] = sum_2;
    sums[3] = sum_3;
}

ED_INLINE void ed_m4_depthwise_fours(const ed_m4_depthwise_fours_shape *s, const int8_t *input,
                                     const int8_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *output)
{
    const ed_dsp_scale scale = {s->output_zero_point, s->lowest, s->highest, s->quick,
                                s->rectified};
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                for (int32_t c = 0; c < s->channels; c += 4) {
                    uint32_t sums[4] = {(uint32_t)bias[c], (uint32_t)bias[c + 1],
                                        (uint32_t)bias[c + 2], (uint32_t)bias[c + 3]};
                    ed_m4_depthwise_fours_sums(s, input + c, weights + c,
                                               y * s->stride_y - s->pad_top,
                                               x * s->stride_x - s->pad_left, sums);
                    for (int32_t i = 0; i < 4; ++i) {
                        const ed_dsp_channel scaling =
                            ed_dsp_prepare(&scale, multiplier[c + i], shift[c + i]);
                        *output++ = (int8_t)ed_dsp_requantize(&scale, scaling, sums[i]);
                    }
                }
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

#endif
