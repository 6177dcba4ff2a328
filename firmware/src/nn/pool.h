/* Average and maximum pooling, int8, portable C99: the specification of AVERAGE_POOL_2D and
 * MAX_POOL_2D.
 *
 * input  [batches, input_height, input_width, channels] int8
 * output [batches, output_height, output_width, channels] int8, same scale and zero point;
 *        may lie over `input` as long as what is written is behind the first tap of every window
 *        still to come, in order
 *
 * Taps outside the input do not count. The average is rounded to the nearest, halves away
 * from zero.
 */
#ifndef ED_NN_POOL_H
#define ED_NN_POOL_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t pad_top, pad_left;
    int32_t lowest, highest; /* the fused activation, in output steps */
} ed_pool_shape;

/* The part of a window that lies inside the input: rows [top, bottom), columns [left, right). */
typedef struct {
    int32_t top, bottom, left, right;
} ed_pool_window;

ED_INLINE ed_pool_window ed_pool_window_at(const ed_pool_shape *s, int32_t y, int32_t x)
{
    ed_pool_window w;
    w.top = y * s->stride_y - s->pad_top;
    w.left = x * s->stride_x - s->pad_left;
    w.bottom = w.top + s->kernel_height;
    w.right = w.left + s->kernel_width;
    w.bottom = w.bottom < s->input_height ? w.bottom : s->input_height;
    w.right = w.right < s->input_width ? w.right : s->input_width;
    w.top = w.top > 0 ? w.top : 0;
    w.left = w.left > 0 ? w.left : 0;
    return w;
}

/* sum / count to the nearest, halves away from zero. count above 0. */
ED_INLINE int32_t ed_pool_mean(int32_t sum, int32_t count)
{
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

ED_INLINE int8_t ed_pool_average_one(const ed_pool_shape *s, const int8_t *input, ed_pool_window w)
{
    int32_t sum = 0;
    for (int32_t y = w.top; y < w.bottom; ++y) {
        for (int32_t x = w.left; x < w.right; ++x) {
            sum += input[(y * s->input_width + x) * s->channels];
        }
    }
    const int32_t mean = ed_pool_mean(sum, (w.bottom - w.top) * (w.right - w.left));
    return (int8_t)ed_requantize_clamp(mean, s->lowest, s->highest);
}

ED_INLINE int8_t ed_pool_max_one(const ed_pool_shape *s, const int8_t *input, ed_pool_window w)
{
    int32_t best = INT8_MIN;
    for (int32_t y = w.top; y < w.bottom; ++y) {
        for (int32_t x = w.left; x < w.right; ++x) {
            const int32_t value = input[(y * s->input_width + x) * s->channels];
            best = value > best ? value : best;
        }
    }
    return (int8_t)ed_requantize_clamp(best, s->lowest, s->highest);
}

/* Calls `one` for every output, in order. */
ED_INLINE void ed_pool_each(const ed_pool_shape *s, const int8_t *input, int8_t *output,
                            int8_t (*one)(const ed_pool_shape *, const int8_t *, ed_pool_window))
{
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                const ed_pool_window w = ed_pool_window_at(s, y, x);
                for (int32_t c = 0; c < s->channels; ++c) {
                    *output++ = one(s, input + c, w);
                }
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

ED_INLINE void ed_pool_average(const ed_pool_shape *s, const int8_t *input, int8_t *output)
{
    ed_pool_each(s, input, output, ed_pool_average_one);
}

ED_INLINE void ed_pool_max(const ed_pool_shape *s, const int8_t *input, int8_t *output)
{
    ed_pool_each(s, input, output, ed_pool_max_one);
}

#endif
