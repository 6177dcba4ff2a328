/* Depthwise convolution, int8, ESP32-S3. The same outputs as nn/depthwise.h, for one multiple, no
 * dilation of columns, and at most 31 taps: so many of at most 2^14 fit the 20 bits of a lane.
 *
 * For each row of outputs the rows of the map that it reaches are copied, column by column, the
 * kernel's rows beside each other, what lies outside included: then the taps of an output follow
 * each other at one distance, 16 channels at a time.
 *
 * weights  [kernel_width, kernel_height, groups, 16] int8 at a 16-byte boundary: a tap's channels,
 *          zeros after them
 * scratch  (columns * kernel_height * groups + 4) * 16 + 12 bytes, columns being
 *          (output_width - 1) * stride_x + kernel_width
 */
#ifndef ED_NN_S3_DEPTHWISE_H
#define ED_NN_S3_DEPTHWISE_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/depthwise.h"
#include "nn/inline.h"
#include "nn/requantize.h"
#include "nn/s3/dot.h"
#include "nn/s3/patch.h"

/* The sums of 16 channels as the chip has them: in each 32 bytes the 160 bits of 8 lanes. */
#define ED_S3_SUMS_BYTES 64

/* sums = taps[0] * weights[0] + ... of 16 channels each; `step` bytes from tap to tap, of both. */
ED_INLINE void ed_s3_depthwise_sums(uint32_t count, int32_t step, const int8_t *taps,
                                    const int8_t *weights, int8_t *sums)
{
    ED_PIE_BLOCK(ED_PIE_ZERO_QACC /* 16 accumulators = 0 */
                     ED_PIE_LOOPNEZ(count, /* as often: */
                                    ED_PIE_VLD_128_XP(0, taps, step) /* q0 = taps */
                                    ED_PIE_VLD_128_XP(1, weights, step) /* q1 = weights */
                                    ED_PIE_VMULAS_S8_QACC(0, 1)) /* accumulators += q0 * q1 */
                 ED_PIE_ST_QACC_L_L_128_IP(sums, 16) /* of lanes 0 to 7 four words */
                 ED_PIE_ST_QACC_L_H_32_IP(sums, 16) /* and the fifth */
                 ED_PIE_ST_QACC_H_L_128_IP(sums, 16) /* of lanes 8 to 15 */
                 ED_PIE_ST_QACC_H_H_32_IP(sums, 16), /* likewise */
                 : [taps] "+r"(taps), [weights] "+r"(weights),
                 [sums] "+r"(sums) : [count] "r"(count), [step] "r"(step) : "memory");
}

/* Lane i of 16. */
ED_INLINE int32_t ed_s3_depthwise_sum(const int8_t *sums, int32_t i)
{
    const int8_t *const half = sums + i / 8 * 32;
    const int32_t bit = i % 8 * 20;
    uint32_t three = 0; /* The bytes that the lane's 20 bits lie in: it begins at 0 or 4. */
    for (int32_t n = 0; n < 3; ++n) {
        three |= (uint32_t)(uint8_t)half[bit / 8 + n] << 8 * n;
    }
    return (int32_t)(three >> bit % 8 << 12) >> 12;
}

/* The map from (top, left) on, of which parts may lie outside, as the kernel reads it. */
ED_INLINE void ed_s3_depthwise_columns(const ed_depthwise_shape *s, int32_t columns, int32_t step,
                                       const int8_t *input, int32_t top, int8_t *to)
{
    for (int32_t column = 0; column < columns; ++column) {
        const int32_t x = column - s->pad_left;
        for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
            const int32_t y = top + ky * s->dilation_y;
            if (y < 0 || y >= s->input_height || x < 0 || x >= s->input_width) {
                ed_fill(s->channels, (int8_t)s->input_zero_point, to);
            } else {
                ed_s3_copy(s->channels, input + (y * s->input_width + x) * s->channels, to);
            }
            to += step;
        }
    }
}

/* All channels of an output pixel. taps: its first column. */
ED_INLINE void ed_s3_depthwise_pixel(const ed_depthwise_shape *s, int32_t step, const int8_t *taps,
                                     const int8_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *sums,
                                     int8_t *output)
{
    const uint32_t count = (uint32_t)(s->kernel_height * s->kernel_width);
    for (int32_t first = 0; first < s->channels; first += ED_S3_LANES) {
        const int32_t left = s->channels - first;
        const int32_t lanes = left < ED_S3_LANES ? left : ED_S3_LANES;
        ed_s3_depthwise_sums(count, step, taps + first, weights + first, sums);
        for (int32_t i = 0; i < lanes; ++i) {
            const int32_t o = first + i;
            const uint32_t sum = (uint32_t)bias[o] + (uint32_t)ed_s3_depthwise_sum(sums, i);
            output[o] = ed_requantize_int8((int32_t)sum, multiplier[o], shift[o],
                                           s->output_zero_point, s->lowest, s->highest);
        }
    }
}

ED_INLINE void ed_s3_depthwise(const ed_depthwise_shape *s, const int8_t *input,
                               const int8_t *weights, const int32_t *bias,
                               const int32_t *multiplier, const int8_t *shift, int8_t *output,
                               uint32_t *scratch)
{
    const int32_t step = (s->channels + ED_S3_LANES - 1) / ED_S3_LANES * ED_S3_LANES;
    const int32_t columns = (s->output_width - 1) * s->stride_x + s->kernel_width;
    int8_t *const sums = ed_s3_aligned(scratch);
    int8_t *const map = sums + ED_S3_SUMS_BYTES;
    ed_fill(columns * s->kernel_height * step, 0, map);
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            ed_s3_depthwise_columns(s, columns, step, input, y * s->stride_y - s->pad_top, map);
            for (int32_t x = 0; x < s->output_width; ++x) {
                ed_s3_depthwise_pixel(s, step, map + x * s->stride_x * s->kernel_height * step,
                                      weights, bias, multiplier, shift, sums, output);
                output += s->channels;
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

#endif
