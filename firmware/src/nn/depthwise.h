/* Depthwise convolution, int8, portable C99: the specification of DEPTHWISE_CONV_2D.
 *
 * input      [batches, input_height, input_width, channels] int8
 * weights    [kernel_height, kernel_width, channels * multiples] int8
 * bias       [channels * multiples] int32, the input's zero point folded in
 * multiplier [channels * multiples] int32, 0 or in [2^30, 2^31)
 * shift      [channels * multiples] int8, in [-31, 31]
 * output     [batches, output_height, output_width, channels * multiples] int8; not `input`
 *
 * Output channel c * multiples + m reads input channel c. A tap outside the input counts as the
 * input's zero point, which the folded bias cancels.
 */
#ifndef ED_NN_DEPTHWISE_H
#define ED_NN_DEPTHWISE_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

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
} ed_depthwise_shape;

/* The accumulator of output channel `o`: the patch whose first tap is at (top, left), which may
 * lie outside. */
ED_INLINE int32_t ed_depthwise_accumulate(const ed_depthwise_shape *s, const int8_t *input,
                                          const int8_t *weights, int32_t bias, int32_t o,
                                          int32_t top, int32_t left)
{
    const int32_t outputs = s->channels * s->multiples;
    uint32_t sum = (uint32_t)bias;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int outside = y < 0 || y >= s->input_height || x < 0 || x >= s->input_width;
            const int32_t value =
                outside ? s->input_zero_point
                        : input[(y * s->input_width + x) * s->channels + o / s->multiples];
            sum += (uint32_t)(value * weights[(ky * s->kernel_width + kx) * outputs + o]);
        }
    }
    return (int32_t)sum;
}

ED_INLINE void ed_depthwise(const ed_depthwise_shape *s, const int8_t *input, const int8_t *weights,
                            const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                            int8_t *output)
{
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                for (int32_t o = 0; o < s->channels * s->multiples; ++o) {
                    const int32_t sum = ed_depthwise_accumulate(s, input, weights, bias[o], o,
                                                                y * s->stride_y - s->pad_top,
                                                                x * s->stride_x - s->pad_left);
                    *output++ = ed_requantize_int8(sum, multiplier[o], shift[o],
                                                   s->output_zero_point, s->lowest, s->highest);
                }
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

#endif
