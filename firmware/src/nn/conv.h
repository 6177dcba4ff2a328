/* Two-dimensional convolution, int8, portable C99: the specification of CONV_2D.
 *
 * input      [batches, input_height, input_width, input_channels] int8
 * weights    [output_channels, kernel_height, kernel_width, input_channels / groups] int8
 * bias       [output_channels] int32, the input's zero point folded in:
 *            file's bias - input_zero_point * sum of the channel's weights
 * multiplier [output_channels] int32, 0 or in [2^30, 2^31)
 * shift      [output_channels] int8, in [-31, 31]
 * output     [batches, output_height, output_width, output_channels] int8; not `input`
 *
 * A tap outside the input counts as the input's zero point, which the folded bias cancels.
 * Accumulators wrap at 32 bits, as the reference's do in practice.
 */
#ifndef ED_NN_CONV_H
#define ED_NN_CONV_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    int32_t groups;
    int32_t input_zero_point;  /* [-128, 127], what padding holds */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
} ed_conv_shape;

/* The accumulator of one output: the patch whose first tap is at (top, left), which may lie
 * outside, times the filter of one output channel. */
ED_INLINE int32_t ed_conv_accumulate(const ed_conv_shape *s, const int8_t *input,
                                     const int8_t *filter, int32_t bias, int32_t top, int32_t left)
{
    const int32_t group_channels = s->input_channels / s->groups;
    uint32_t sum = (uint32_t)bias;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int outside = y < 0 || y >= s->input_height || x < 0 || x >= s->input_width;
            for (int32_t c = 0; c < group_channels; ++c) {
                const int32_t value = outside
                                          ? s->input_zero_point
                                          : input[(y * s->input_width + x) * s->input_channels + c];
                sum += (uint32_t)(value * *filter++);
            }
        }
    }
    return (int32_t)sum;
}

ED_INLINE void ed_conv(const ed_conv_shape *s, const int8_t *input, const int8_t *weights,
                       const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                       int8_t *output)
{
    const int32_t group_channels = s->input_channels / s->groups;
    const int32_t group_outputs = s->output_channels / s->groups;
    const int32_t filter_size = s->kernel_height * s->kernel_width * group_channels;
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                for (int32_t o = 0; o < s->output_channels; ++o) {
                    const int32_t sum = ed_conv_accumulate(
                        s, input + o / group_outputs * group_channels, weights + o * filter_size,
                        bias[o], y * s->stride_y - s->pad_top, x * s->stride_x - s->pad_left);
                    *output++ = ed_requantize_int8(sum, multiplier[o], shift[o],
                                                   s->output_zero_point, s->lowest, s->highest);
                }
            }
        }
        input += s->input_height * s->input_width * s->input_channels;
    }
}

#endif
