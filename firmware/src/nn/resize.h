/* RESIZE_BILINEAR, int8, portable C99, in integers as TensorFlow Lite's reference kernel.
 *
 * input  [batches, height.source, width.source, channels] int8
 * output [batches, height.output, width.output, channels] int8, same scale and zero point
 *
 * Places are in 1/1024 of an input pixel, so weights of four pixels sum to 2^20.
 * Source: reference/resize_bilinear.h, ResizeBilinearInteger.
 */
#ifndef ED_NN_RESIZE_H
#define ED_NN_RESIZE_H

#include <stdint.h>

#include "nn/inline.h"

typedef struct {
    int32_t source, output; /* pixels */
    int32_t step, shift;    /* output pixel i lies at i * step + shift, below 1024 * source */
} ed_resize_side;

typedef struct {
    int32_t batches, channels;
    ed_resize_side height, width;
} ed_resize_shape;

/* The two pixels around a place, and what they count; 1024 in all. */
typedef struct {
    int32_t low, high;
    int32_t low_weight, high_weight;
} ed_resize_pair;

ED_INLINE ed_resize_pair ed_resize_at(const ed_resize_side *s, int32_t i)
{
    const int32_t place = i * s->step + s->shift;
    ed_resize_pair p;
    p.low = place > 0 ? place / 1024 : 0;
    p.high = (place + 1023) / 1024;
    p.high = p.high < s->source ? p.high : s->source - 1;
    p.high_weight = place - 1024 * p.low;
    p.low_weight = 1024 - p.high_weight;
    return p;
}

/* One output pixel of the four around it. */
ED_INLINE void ed_resize_pixels(int32_t channels, const int8_t *above_left,
                                const int8_t *above_right, const int8_t *below_left,
                                const int8_t *below_right, ed_resize_pair v, ed_resize_pair h,
                                int8_t *output)
{
    const int32_t half = 1 << 19;
    const int32_t weights[4] = {v.low_weight * h.low_weight, v.low_weight * h.high_weight,
                                v.high_weight * h.low_weight, v.high_weight * h.high_weight};
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t sum = weights[0] * above_left[c] + weights[1] * above_right[c] +
                            weights[2] * below_left[c] + weights[3] * below_right[c];
        /* To the nearest, halves away from zero. */
        output[c] = (int8_t)((sum + half - (sum < 0)) >> 20);
    }
}

ED_INLINE void ed_resize_bilinear(const ed_resize_shape *s, const int8_t *input, int8_t *output)
{
    const int32_t row = s->width.source * s->channels;
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->height.output; ++y) {
            const ed_resize_pair v = ed_resize_at(&s->height, y);
            for (int32_t x = 0; x < s->width.output; ++x) {
                const ed_resize_pair h = ed_resize_at(&s->width, x);
                const int32_t above = v.low * row, below = v.high * row;
                const int32_t left = h.low * s->channels, right = h.high * s->channels;
                ed_resize_pixels(s->channels, input + above + left, input + above + right,
                                 input + below + left, input + below + right, v, h, output);
                output += s->channels;
            }
        }
        input += s->height.source * row;
    }
}

#endif
