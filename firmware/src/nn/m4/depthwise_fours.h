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
    int32_t rectified;         /* see ed_dsp_scale */
} ed_m4_depthwise_fours_shape;

/* The accumulators of four channels. */
typedef struct {
    uint32_t sum_0, sum_1, sum_2, sum_3;
} ed_m4_depthwise_fours_sums;

/* Add a tap: four channels of a pixel times their weights. */
ED_INLINE void ed_m4_depthwise_fours_tap(uint32_t four, uint32_t taps,
                                         ed_m4_depthwise_fours_sums *sums)
{
    const uint32_t even = ed_dsp_sxtb16(four);
    const uint32_t even_taps = ed_dsp_sxtb16(taps);
    sums->sum_0 = ed_dsp_smlabb(even, even_taps, sums->sum_0);
    sums->sum_2 = ed_dsp_smlatt(even, even_taps, sums->sum_2);
    const uint32_t odd = ed_dsp_sxtb16_odd(four);
    const uint32_t odd_taps = ed_dsp_sxtb16_odd(taps);
    sums->sum_1 = ed_dsp_smlabb(odd, odd_taps, sums->sum_1);
    sums->sum_3 = ed_dsp_smlatt(odd, odd_taps, sums->sum_3);
}

/* A window that lies in the input, whose first tap is at `from`. */
ED_INLINE void ed_m4_depthwise_fours_inside(const ed_m4_depthwise_fours_shape *s,
                                            const int8_t *from, const int8_t *weights,
                                            ed_m4_depthwise_fours_sums *sums)
{
    const int32_t step = s->dilation_x * s->channels;
    const int32_t next = s->dilation_y * s->input_width * s->channels - s->kernel_width * step;
    int32_t ky = s->kernel_height;
    do {
        int32_t kx = s->kernel_width;
        do {
            ed_m4_depthwise_fours_tap(ed_dsp_load(from), ed_dsp_load(weights), sums);
            from += step;
            weights += s->channels;
        } while (--kx > 0);
        from += next;
    } while (--ky > 0);
}

/* A window whose first tap is at (top, left), some of it outside. input: of the four channels. */
ED_INLINE void ed_m4_depthwise_fours_across(const ed_m4_depthwise_fours_shape *s,
                                            const int8_t *input, const int8_t *weights, int32_t top,
                                            int32_t left, ed_m4_depthwise_fours_sums *sums)
{
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int outside = y < 0 || y >= s->input_height || x < 0 || x >= s->input_width;
            const int32_t at = (y * s->input_width + x) * s->channels;
            const uint32_t four = outside ? s->padding : ed_dsp_load(input + at);
            ed_m4_depthwise_fours_tap(four, ed_dsp_load(weights), sums);
            weights += s->channels;
        }
    }
}

/* All channels of one output pixel. quick: see ed_dsp_scale. */
ED_INLINE void ed_m4_depthwise_fours_pixel(const ed_m4_depthwise_fours_shape *s, int quick, int clamped,
                                           const int8_t *input, const int8_t *weights,
                                           const int32_t *bias, const int32_t *multiplier,
                                           const int8_t *shift, int8_t *output, int32_t top,
                                           int32_t left)
{
    const ed_dsp_scale scale = {s->output_zero_point, clamped ? s->lowest : INT8_MIN,
                                clamped ? s->highest : INT8_MAX, quick, s->rectified};
    const int32_t bottom = top + (s->kernel_height - 1) * s->dilation_y;
    const int32_t right = left + (s->kernel_width - 1) * s->dilation_x;
    const int inside = top >= 0 && left >= 0 && bottom < s->input_height && right < s->input_width;
    const int8_t *from = inside ? input + (top * s->input_width + left) * s->channels : input;
    for (int32_t c = 0; c < s->channels; c += 4) {
        ed_m4_depthwise_fours_sums sums = {(uint32_t)bias[c], (uint32_t)bias[c + 1],
                                           (uint32_t)bias[c + 2], (uint32_t)bias[c + 3]};
        if (inside) {
            ed_m4_depthwise_fours_inside(s, from + c, weights + c, &sums);
        } else {
            ed_m4_depthwise_fours_across(s, from + c, weights + c, top, left, &sums);
        }
        const uint32_t each[4] = {sums.sum_0, sums.sum_1, sums.sum_2, sums.sum_3};
        for (int32_t i = 0; i < 4; ++i) {
            const ed_dsp_channel scaling = ed_dsp_prepare(&scale, multiplier[c + i], shift[c + i]);
            output[c + i] = (int8_t)ed_dsp_requantize(&scale, scaling, each[i]);
        }
    }
}

/* quick, clamped: constants that the compiler sees, for less code and fewer cycles. */
ED_INLINE void ed_m4_depthwise_fours(const ed_m4_depthwise_fours_shape *s, int quick, int clamped,
                                     const int8_t *input,
                                     const int8_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *output)
{
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                ed_m4_depthwise_fours_pixel(s, quick, clamped, input, weights, bias, multiplier, shift, output,
                                            y * s->stride_y - s->pad_top,
                                            x * s->stride_x - s->pad_left);
                output += s->channels;
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

#endif
