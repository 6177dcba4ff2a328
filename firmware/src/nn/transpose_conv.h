/* Transposed convolution, int8, portable C99: the specification of TRANSPOSE_CONV.
 *
 * input      [batches, input_height, input_width, input_channels] int8
 * weights    [output_channels, kernel_height, kernel_width, input_channels] int8
 * bias       [output_channels] int32, as the file has it
 * multiplier [output_channels] int32, 0 or in [2^30, 2^31)
 * shift      [output_channels] int8, in [-31, 31]
 * output     [batches, output_height, output_width, output_channels] int8; not `input`
 *
 * Input pixel (y, x) adds to the outputs from (y * stride_y - pad_top, x * stride_x - pad_left) on,
 * as many as the kernel is large. Seen from an output, every stride-th tap meets a pixel. How many
 * do differs from output to output, so the input's zero point cannot be folded into the bias.
 */
#ifndef ED_NN_TRANSPOSE_CONV_H
#define ED_NN_TRANSPOSE_CONV_H

#include <stdint.h>

#include "nn/dot.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t pad_top, pad_left; /* 0 or above */
    int32_t input_zero_point;  /* [-128, 127] */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
} ed_transpose_conv_shape;

/* The first tap that meets a pixel, and that pixel's place; the next tap is one stride on, and the
 * next pixel one back. */
typedef struct {
    int32_t tap, at;
} ed_transpose_conv_first;

/* The accumulator of one output of one channel. */
ED_INLINE int32_t ed_transpose_conv_accumulate(const ed_transpose_conv_shape *s,
                                               ed_dot_offset_product dot, const int8_t *input,
                                               const int8_t *filter, int32_t bias,
                                               ed_transpose_conv_first row,
                                               ed_transpose_conv_first column)
{
    uint32_t sum = (uint32_t)bias;
    for (int32_t ky = row.tap, y = row.at; ky < s->kernel_height && y >= 0;
         ky += s->stride_y, --y) {
        for (int32_t kx = column.tap, x = column.at; kx < s->kernel_width && x >= 0;
             kx += s->stride_x, --x) {
            if (y < s->input_height && x < s->input_width) {
                const int8_t *pixel = input + (y * s->input_width + x) * s->input_channels;
                const int8_t *tap = filter + (ky * s->kernel_width + kx) * s->input_channels;
                sum = dot(s->input_channels, pixel, -s->input_zero_point, tap, sum);
            }
        }
    }
    return (int32_t)sum;
}

ED_INLINE void ed_transpose_conv(const ed_transpose_conv_shape *s, ed_dot_offset_product dot,
                                 const int8_t *input, const int8_t *weights, const int32_t *bias,
                                 const int32_t *multiplier, const int8_t *shift, int8_t *output)
{
    const int32_t filter_size = s->kernel_height * s->kernel_width * s->input_channels;
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = s->pad_top; y < s->pad_top + s->output_height; ++y) {
            for (int32_t x = s->pad_left; x < s->pad_left + s->output_width; ++x) {
                const ed_transpose_conv_first row = {y % s->stride_y, y / s->stride_y};
                const ed_transpose_conv_first column = {x % s->stride_x, x / s->stride_x};
                for (int32_t o = 0; o < s->output_channels; ++o) {
                    const int32_t sum = ed_transpose_conv_accumulate(
                        s, dot, input, weights + o * filter_size, bias[o], row, column);
                    *output++ = ed_requantize_int8(sum, multiplier[o], shift[o],
                                                   s->output_zero_point, s->lowest, s->highest);
                }
            }
        }
        input += s->input_height * s->input_width * s->input_channels;
    }
}

#endif
