/* Real numbers to integers and back, and integers of one scale to those of another, portable C99:
 * QUANTIZE and DEQUANTIZE.
 *
 * real = scale * (integer - zero point). Floats are binary32 throughout, every operation rounded
 * once, so that a computer and a board agree.
 * input, output  [count]; the output may begin before the input where one of them has bytes:
 *                by nothing where its elements are no larger, else by what it is longer
 * Source: tensorflow/lite/kernels/internal/reference/{quantize,requantize,dequantize}.h.
 */
#ifndef ED_NN_QUANTIZE_H
#define ED_NN_QUANTIZE_H

#include <stdint.h>

#include "nn/element.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t count;
    ed_element to;
    float scale;
    int32_t zero_point, lowest, highest;
} ed_quantize_shape;

typedef struct {
    int32_t count;
    ed_element from;
    float scale;
    int32_t zero_point;
} ed_quantize_back_shape;

typedef struct {
    int32_t count;
    ed_element from, to;
    int32_t multiplier, shift; /* the quotient of the scales */
    int32_t input_zero_point, output_zero_point, lowest, highest;
} ed_quantize_again_shape;

/* To the nearest integer, halves away from zero; -2^31 where that is no int32. */
ED_INLINE int32_t ed_quantize_round(float x)
{
    const int32_t whole = ed_element_truncate(x);
    if (whole == INT32_MIN) {
        return whole;
    }
    const float rest = x - (float)whole; /* exact: beyond 2^24 it is 0 */
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

/* steps + zero_point modulo 2^32, limited. -2^31 with a negative zero point is the greatest. */
ED_INLINE int32_t ed_quantize_place(int32_t steps, int32_t zero_point, int32_t lowest,
                                    int32_t highest)
{
    const uint32_t value = (uint32_t)steps + (uint32_t)zero_point;
    return ed_requantize_clamp((int32_t)value, lowest, highest);
}

ED_INLINE void ed_quantize(const ed_quantize_shape *s, const float *input, void *output)
{
    for (int32_t i = 0; i < s->count; ++i) {
        const int32_t steps = ed_quantize_round(input[i] / s->scale);
        const int32_t value = ed_quantize_place(steps, s->zero_point, s->lowest, s->highest);
        ed_element_store(s->to, output, i, value);
    }
}

ED_INLINE void ed_quantize_back(const ed_quantize_back_shape *s, const void *input, float *output)
{
    for (int32_t i = 0; i < s->count; ++i) {
        output[i] = s->scale * (float)(ed_element_load(s->from, input, i) - s->zero_point);
    }
}

ED_INLINE void ed_quantize_again(const ed_quantize_again_shape *s, const void *input, void *output)
{
    for (int32_t i = 0; i < s->count; ++i) {
        const uint32_t moved =
            (uint32_t)ed_element_load(s->from, input, i) - (uint32_t)s->input_zero_point;
        const int32_t steps = ed_requantize((int32_t)moved, s->multiplier, s->shift);
        const int32_t value = ed_quantize_place(steps, s->output_zero_point, s->lowest, s->highest);
        ed_element_store(s->to, output, i, value);
    }
}

#endif
