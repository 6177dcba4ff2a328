/* Softmax over the last dimension, int8, portable C99: the specification of SOFTMAX.
 *
 * input  [rows, depth] int8; depth at most 4095, so that the sum of exponentials fits Q12.19
 * output [rows, depth] int8, scale 1/256, zero point -128; may be `input`
 *
 * Fixed point as in TensorFlow Lite's reference kernel; Qm.n is a number of m integer and n
 * fraction bits in an int32. Source: reference/softmax.h; gemmlowp/fixedpoint/fixedpoint.h.
 */
#ifndef ED_NN_SOFTMAX_H
#define ED_NN_SOFTMAX_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t rows, depth;
    int32_t multiplier, left_shift; /* an int8 difference to Q5.26 */
    int32_t lowest_difference;      /* below it, exp counts as 0 */
} ed_softmax_shape;

/* x * 2^exponent, saturated. exponent in [1, 30]. */
ED_INLINE int32_t ed_softmax_scale_up(int32_t x, int32_t exponent)
{
    const int32_t limit = (int32_t)((1u << (31 - exponent)) - 1u);
    return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : x * (int32_t)(1u << exponent);
}

/* exp(a) for a in [-1/4, 0), Q0.31 in and out: four terms of the series around -1/8. */
ED_INLINE int32_t ed_softmax_exp_quarter(int32_t a)
{
    const int32_t exp_minus_eighth = 1895147668; /* exp(-1/8), Q0.31 */
    const int32_t third = 715827883;             /* 1/3, Q0.31 */
    const int32_t x = a + (1 << 28);             /* a + 1/8 */
    const int32_t x2 = ed_requantize_high(x, x);
    const int32_t x3 = ed_requantize_high(x2, x);
    const int32_t x4 = ed_requantize_high(x2, x2);
    const int32_t x3_x4 = ed_requantize_shift_right(x4, 2) + x3;
    const int32_t tail = ed_requantize_shift_right(ed_requantize_high(x3_x4, third) + x2, 1);
    return exp_minus_eighth + ed_requantize_high(exp_minus_eighth, x + tail);
}

/* exp(a) for a <= 0; Q5.26 in, Q0.31 out: exp of the quarter, times exp(-2^k) for each higher
 * bit that is set. */
ED_INLINE int32_t ed_softmax_exp(int32_t a)
{
    static const int32_t exp_of_bit[7] = {
        1672461947, /* exp(-1/4), Q0.31 */
        1302514674, /* exp(-1/2) */
        790015084,  /* exp(-1) */
        290630308,  /* exp(-2) */
        39332535,   /* exp(-4) */
        720401,     /* exp(-8) */
        242,        /* exp(-16) */
    };
    const int32_t quarter = 1 << 24; /* Q5.26 */
    const int32_t in_quarter = (a & (quarter - 1)) - quarter;
    const int32_t whole_quarters = in_quarter - a;
    int32_t result = ed_softmax_exp_quarter(ed_softmax_scale_up(in_quarter, 5));
    for (int32_t bit = 0; bit < 7; ++bit) {
        if ((whole_quarters & (quarter << bit)) != 0) {
            result = ed_requantize_high(result, exp_of_bit[bit]);
        }
    }
    return a == 0 ? INT32_MAX : result;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31 in and out: three Newton steps. */
ED_INLINE int32_t ed_softmax_one_over_one_plus(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2); /* (1 + a) / 2, Q0.31 */
    /* First guess 48/17 - 32/17 * half, Q2.29. */
    int32_t x = 1515870810 + ed_requantize_high(half, -1010580540);
    for (int step = 0; step < 3; ++step) {
        const int32_t error = (1 << 29) - ed_requantize_high(half, x); /* 1 - half * x */
        x += ed_softmax_scale_up(ed_requantize_high(x, error), 2);
    }
    return ed_softmax_scale_up(x, 1);
}

/* The number of zero bits above the highest set one. x above 0. */
ED_INLINE int32_t ed_softmax_leading_zeros(uint32_t x)
{
    int32_t count = 0;
    while ((x & 0x80000000u) == 0) {
        x <<= 1;
        ++count;
    }
    return count;
}

/* exp of one input, relative to the row's highest, Q0.31. Called in two places; long. */
ED_SHARED int32_t ed_softmax_term(const ed_softmax_shape *s, int32_t difference)
{
    if (difference < s->lowest_difference) {
        return 0;
    }
    const int32_t shifted = (int32_t)((uint32_t)difference << s->left_shift);
    return ed_softmax_exp(ed_requantize_high(shifted, s->multiplier));
}

ED_INLINE void ed_softmax(const ed_softmax_shape *s, const int8_t *input, int8_t *output)
{
    for (int32_t r = 0; r < s->rows; ++r) {
        int32_t highest = INT8_MIN;
        for (int32_t i = 0; i < s->depth; ++i) {
            highest = input[i] > highest ? input[i] : highest;
        }
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < s->depth; ++i) {
            sum += ed_requantize_shift_right(ed_softmax_term(s, input[i] - highest), 12);
        }
        /* sum = 2^(12 - zeros) * (1 + fraction), fraction in Q0.31 */
        const int32_t zeros = ed_softmax_leading_zeros((uint32_t)sum);
        const int32_t fraction = (int32_t)(((uint32_t)sum << zeros) & 0x7fffffffu);
        const int32_t reciprocal = ed_softmax_one_over_one_plus(fraction);
        const int32_t exponent = 12 - zeros + 31 - 8; /* to steps of 1/256 */
        for (int32_t i = 0; i < s->depth; ++i) {
            const int32_t term = ed_softmax_term(s, input[i] - highest);
            const int32_t share = ed_requantize_high(reciprocal, term);
            const int32_t steps = exponent > 31 ? 0 : ed_requantize_shift_right(share, exponent);
            output[i] = (int8_t)ed_requantize_clamp(steps + INT8_MIN, INT8_MIN, INT8_MAX);
        }
        input += s->depth;
        output += s->depth;
    }
}

#endif
