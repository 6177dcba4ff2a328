/* Softmax over the last dimension, portable C99: the specification of SOFTMAX, for every target.
 *
 * input  [rows, depth] int8 or uint8; depth at most 4095: the sum of exponentials fits Q12.19
 * output [rows, depth] int8, uint8 or int16: 0 to 1 over the whole type. May be `input`, or begin
 *        before it, with int16 by as much as it is longer
 *
 * Fixed point as in TensorFlow Lite's reference kernel; Qm.n is a number of m integer and n
 * fraction bits in an int32. Source: reference/softmax.h; gemmlowp/fixedpoint/fixedpoint.h.
 */
#ifndef ED_NN_SOFTMAX_H
#define ED_NN_SOFTMAX_H

#include <stdint.h>

#include "nn/element.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t multiplier, left_shift; /* a difference of inputs to Q5.26 */
    int32_t lowest_difference;      /* below it, exp counts as 0 */
} ed_softmax_scale;

typedef struct {
    int32_t rows, depth;
    ed_softmax_scale scale;
} ed_softmax_shape;

/* ed_requantize_high and ed_requantize_shift_right, once in the program: small code counts for more
 * here than speed. */
ED_SHARED int32_t ed_softmax_product(int32_t a, int32_t b)
{
    ED_KEEP();
    return ed_requantize_high(a, b);
}

ED_SHARED int32_t ed_softmax_divide(int32_t x, int32_t exponent)
{
    ED_KEEP();
    return ed_requantize_shift_right(x, exponent);
}

/* x * 2^exponent, saturated. exponent in [0, 30]. */
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
    const int32_t x2 = ed_softmax_product(x, x);
    const int32_t x3 = ed_softmax_product(x2, x);
    const int32_t x4 = ed_softmax_product(x2, x2);
    const int32_t x3_x4 = ed_softmax_divide(x4, 2) + x3;
    const int32_t tail = ed_softmax_divide(ed_softmax_product(x3_x4, third) + x2, 1);
    return exp_minus_eighth + ed_softmax_product(exp_minus_eighth, x + tail);
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
            result = ed_softmax_product(result, exp_of_bit[bit]);
        }
    }
    return a == 0 ? INT32_MAX : result;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31 in and out: three Newton steps. */
ED_INLINE int32_t ed_softmax_one_over_one_plus(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2); /* (1 + a) / 2, Q0.31 */
    /* First guess 48/17 - 32/17 * half, Q2.29. */
    int32_t x = 1515870810 + ed_softmax_product(half, -1010580540);
    for (int step = 0; step < 3; ++step) {
        const int32_t error = (1 << 29) - ed_softmax_product(half, x); /* 1 - half * x */
        x += ed_softmax_scale_up(ed_softmax_product(x, error), 2);
    }
    return ed_softmax_scale_up(x, 1);
}

/* The number of zero bits above the highest set one. x above 0. */
ED_INLINE int32_t ed_softmax_leading_zeros(uint32_t x)
{
#if defined(__GNUC__)
    return __builtin_clz(x);
#else
    int32_t count = 0;
    while ((x & 0x80000000u) == 0) {
        x <<= 1;
        ++count;
    }
    return count;
#endif
}

/* A difference of inputs, 0 or less and not below the lowest, as Q5.26. */
ED_INLINE int32_t ed_softmax_scaled(const ed_softmax_scale *s, int32_t difference)
{
    const int32_t shifted = (int32_t)((uint32_t)difference << s->left_shift);
    return ed_softmax_product(shifted, s->multiplier);
}

/* exp of one input, relative to the row's highest, Q0.31. */
ED_INLINE int32_t ed_softmax_term(const ed_softmax_scale *s, int32_t difference)
{
    return difference < s->lowest_difference ? 0 : ed_softmax_exp(ed_softmax_scaled(s, difference));
}

/* The highest of a row. */
ED_INLINE int32_t ed_softmax_highest(ed_element from, int32_t depth, const void *input, int32_t at)
{
    int32_t highest = INT32_MIN;
    for (int32_t i = at; i < at + depth; ++i) {
        const int32_t x = ed_element_load(from, input, i);
        highest = x > highest ? x : highest;
    }
    return highest;
}

/* The sum of a row's exponentials, Q12.19; at least 1. They come from `terms`, those of differences
 * 0, -1, ... to the lowest that counts; where that is 0 they are computed and, where `kept` is not 0,
 * kept, [depth]. */
ED_INLINE int32_t ed_softmax_sum(const ed_softmax_scale *s, ed_element from, int32_t depth,
                                 const void *input, int32_t at, int32_t highest,
                                 const int32_t *terms, uint32_t *kept)
{
    int32_t sum = 0;
    for (int32_t i = at; i < at + depth; ++i) {
        const int32_t difference = ed_element_load(from, input, i) - highest;
        int32_t term = 0;
        if (terms == 0) {
            term = ed_softmax_term(s, difference);
        } else if (difference >= s->lowest_difference) {
            term = terms[-difference];
        }
        if (kept != 0) {
            kept[i - at] = (uint32_t)term;
        }
        sum += ed_softmax_divide(term, 12);
    }
    return sum;
}

/* share / 2^exponent to the nearest; share 0 or more. Above 31 (the sum is 512 or more) the reference
 * shifts further than a word is wide. That has no meaning in C; this is what x86 makes of it, mostly
 * the greatest output there is. */
ED_INLINE int32_t ed_softmax_steps(int32_t share, int32_t exponent)
{
    return exponent > 31 ? (share >> (exponent - 32)) + 1 : ed_softmax_divide(share, exponent);
}

/* from, to: an 8-bit type; to may be int16. One of `terms` and `kept` is 0: see ed_softmax_sum. */
ED_INLINE void ed_softmax(const ed_softmax_shape *s, ed_element from, ed_element to,
                          const void *input, void *output, const int32_t *terms, uint32_t *kept)
{
    const int32_t bits = to == ED_ELEMENT_INT16 ? 16 : 8;
    const int32_t lowest = to == ED_ELEMENT_UINT8 ? 0 : -(1 << (bits - 1));
    const int32_t most = (1 << bits) - 1;
    for (int32_t at = 0; at < s->rows * s->depth; at += s->depth) {
        const int32_t highest = ed_softmax_highest(from, s->depth, input, at);
        const int32_t sum =
            ed_softmax_sum(&s->scale, from, s->depth, input, at, highest, terms, kept);
        /* sum = 2^(12 - zeros) * (1 + fraction), fraction in Q0.31 */
        const int32_t zeros = ed_softmax_leading_zeros((uint32_t)sum);
        const int32_t fraction = (int32_t)(((uint32_t)sum << zeros) & 0x7fffffffu);
        const int32_t reciprocal = ed_softmax_one_over_one_plus(fraction);
        const int32_t exponent = 12 - zeros + 31 - bits; /* to steps of 2^-bits */
        for (int32_t i = at; i < at + s->depth; ++i) {
            const int32_t difference = ed_element_load(from, input, i) - highest;
            int32_t steps = 0;
            if (difference >= s->scale.lowest_difference) {
                const int32_t term = terms == 0 ? (int32_t)kept[i - at] : terms[-difference];
                steps = ed_softmax_steps(ed_softmax_product(reciprocal, term), exponent);
            }
            ed_element_store(to, output, i, ed_requantize_clamp(steps, 0, most) + lowest);
        }
    }
}

#endif
