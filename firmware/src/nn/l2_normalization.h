/* Vectors divided by their length, int8, portable C99: the specification of L2_NORMALIZATION.
 *
 * input   [rows, depth] int8
 * output  [rows, depth] int8, scale 1/128, zero point 0; may begin at or before `input`
 *
 * Source: tensorflow/lite/kernels/internal/reference/integer_ops/l2normalization.h;
 * GetInvSqrtQuantizedMultiplierExp of kernels/internal/common.h.
 */
#ifndef ED_NN_L2_NORMALIZATION_H
#define ED_NN_L2_NORMALIZATION_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

#define ED_L2_NORMALIZATION_OUTPUT_BITS 7
#define ED_L2_NORMALIZATION_STEPS 5 /* of Newton's method */

typedef struct {
    int32_t rows, depth;
    int32_t zero_point; /* of the input, [-128, 127] */
} ed_l2_normalization_shape;

/* A real factor as multiplier / 2^31 * 2^shift. */
typedef struct {
    int32_t multiplier, shift;
} ed_l2_normalization_factor;

/* x * 2^exponent, limited to an int32. exponent in [0, 30]. */
ED_INLINE int32_t ed_l2_normalization_raise(int32_t x, int32_t exponent)
{
    const int32_t limit = (int32_t)((1u << (31 - exponent)) - 1u);
    return x > limit ? INT32_MAX : x < -limit - 1 ? INT32_MIN : x * (1 << exponent);
}

/* 1 / sqrt(sum). sum of 0 or more; 0 counts as 1. Numbers are Q3.28, products of n have 3 * n
 * integer bits. */
ED_INLINE ed_l2_normalization_factor ed_l2_normalization_inverse_root(int32_t sum)
{
    ed_l2_normalization_factor f = {INT32_MAX, 0};
    if (sum <= 1) {
        return f;
    }
    int32_t right = 11;
    while (sum >= 1 << 29) {
        sum /= 4;
        ++right;
    }
    while (sum < 1 << 27) {
        sum *= 4;
        --right;
    }
    const int32_t half = ed_requantize_shift_right(sum >> 1, 1);
    const int32_t three_halves = (1 << 28) + (1 << 27);
    int32_t x = 1 << 28;
    for (int32_t i = 0; i < ED_L2_NORMALIZATION_STEPS; ++i) {
        const int32_t cube = ed_requantize_high(ed_requantize_high(x, x), x);
        const int32_t x3 = ed_l2_normalization_raise(cube, 6);
        const int32_t next = ed_requantize_high(three_halves, x) - ed_requantize_high(half, x3);
        x = ed_l2_normalization_raise(next, 3);
    }
    const int32_t half_root_of_two = 1518500250; /* Q0.31 */
    f.multiplier = ed_requantize_high(x, half_root_of_two);
    f.shift = -right;
    if (right < 0) {
        f.multiplier = (int32_t)((uint32_t)f.multiplier << -right);
        f.shift = 0;
    }
    return f;
}

ED_INLINE void ed_l2_normalization(const ed_l2_normalization_shape *s, const int8_t *input,
                                   int8_t *output)
{
    for (int32_t row = 0; row < s->rows; ++row) {
        int32_t sum = 0;
        for (int32_t i = 0; i < s->depth; ++i) {
            const int32_t value = input[i] - s->zero_point;
            sum += value * value;
        }
        const ed_l2_normalization_factor f = ed_l2_normalization_inverse_root(sum);
        for (int32_t i = 0; i < s->depth; ++i) {
            *output++ = ed_requantize_int8(*input++ - s->zero_point, f.multiplier,
                                           f.shift + ED_L2_NORMALIZATION_OUTPUT_BITS, 0, INT8_MIN,
                                           INT8_MAX);
        }
    }
}

#endif
