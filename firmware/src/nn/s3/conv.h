/* Two-dimensional convolution, int8, ESP32-S3. The same outputs as nn/conv.h; one group.
 *
 * The patch of each output pixel is copied to a 16-byte boundary, zeros after it up to whole
 * vectors, and multiplied with every filter.
 *
 * weights    [output_channels, vectors, 16] int8 at a 16-byte boundary: a filter's taps, zeros
 * scratch    16 * vectors + 12 bytes
 */
#ifndef ED_NN_S3_CONV_H
#define ED_NN_S3_CONV_H

#include <stdint.h>

#include "nn/conv.h"
#include "nn/copy.h"
#include "nn/inline.h"
#include "nn/requantize.h"
#include "nn/s3/dot.h"
#include "nn/s3/patch.h"

/* The taps of the patch at (top, left), which may lie outside, one after the other. */
ED_INLINE void ed_s3_conv_patch(const ed_conv_shape *s, const int8_t *input, int32_t top,
                                int32_t left, int8_t *patch)
{
    const int32_t channels = s->input_channels;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            if (y < 0 || y >= s->input_height || x < 0 || x >= s->input_width) {
                ed_fill(channels, (int8_t)s->input_zero_point, patch);
            } else {
                ed_s3_copy(channels, input + (y * s->input_width + x) * channels, patch);
            }
            patch += channels;
        }
    }
}

ED_INLINE void ed_s3_conv(const ed_conv_shape *s, const int8_t *input, const int8_t *weights,
                          const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                          int8_t *output, uint32_t *scratch)
{
    const int32_t taps = s->kernel_height * s->kernel_width * s->input_channels;
    const int32_t vectors = (taps + ED_S3_LANES - 1) / ED_S3_LANES;
    int8_t *const patch = ed_s3_aligned(scratch);
    ed_fill(vectors * ED_S3_LANES - taps, 0, patch + taps);
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                const int8_t *filter = weights;
                ed_s3_conv_patch(s, input, y * s->stride_y - s->pad_top,
                                 x * s->stride_x - s->pad_left, patch);
                for (int32_t o = 0; o < s->output_channels; ++o) {
                    const uint32_t sum =
                        (uint32_t)bias[o] + ed_s3_dot((uint32_t)vectors, patch, filter);
                    *output++ = ed_requantize_int8((int32_t)sum, multiplier[o], shift[o],
                                                   s->output_zero_point, s->lowest, s->highest);
                    filter += vectors * ED_S3_LANES;
                }
            }
        }
        input += s->input_height * s->input_width * s->input_channels;
    }
}

#endif
