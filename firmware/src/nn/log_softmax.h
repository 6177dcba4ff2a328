/* Logarithm of the softmax over the last dimension, int8, portable C99, for every target.
 *
 * input  [rows, depth] int8; depth at most 4095: the sum of exponentials fits Q12.19
 * output [rows, depth] int8, scale 1/16, zero point 127; may be `input`, or begin before it
 *
 * log(exp(x - highest) / sum) = (x - highest) - log(sum), in Q5.26.
 * Source: reference/integer_ops/log_softmax.h; kernels/internal/common.h,
 * log_x_for_x_greater_than_or_equal_to_1.
 */
#ifndef ED_NN_LOG_SOFTMAX_H
#define ED_NN_LOG_SOFTMAX_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"
#include "nn/softmax.h"

typedef struct {
    int32_t rows, depth;
    ed_softmax_scale scale;
    int32_t reverse_multiplier, reverse_shift; /* Q5.26 to a difference of inputs */
} ed_log_softmax_shape;

/* log(z) for z of 1 or more; Q12.19 in, Q5.26 out.
 *
 * z = 2^k * r, with r near 2^(-1/4): the better of two ways to take z apart. Then
 * log(z) = k * log(2) + a ratio of polynomials in r, from Q0.31 to Q6.25. */
ED_INLINE int32_t ed_log_softmax_log(int32_t z)
{
    const int32_t root_half = 1518500250;      /* 2^(-1/2), Q0.31 */
    const int32_t root_root_half = 1805811301; /* 2^(-1/4) */
    const int32_t log_2 = 1488522236;
    const int32_t alpha_n = 117049297;  /* 11/240 * 2^(1/4) */
    const int32_t alpha_d = 127690142;  /* 1/20 * 2^(1/4) */
    const int32_t alpha_i = 1057819769; /* 2 * 2^(-1/4) - 2^(1/4) */
    const int32_t alpha_f = 638450708;  /* 1/4 * 2^(1/4) */
    const int32_t quarter = 1 << 23;    /* Q6.25 */

    const int32_t zeros_a = ed_softmax_leading_zeros((uint32_t)z);
    const int32_t high_a = ed_softmax_product((int32_t)((uint32_t)z << (zeros_a - 1)), root_half);
    const int32_t r_a = ed_softmax_scale_up(high_a, 1);
    const int32_t power_a = (12 - zeros_a) * (1 << 25) + quarter;

    const int32_t zeros_b =
        ed_softmax_leading_zeros((uint32_t)ed_softmax_product(z, root_half)) - 1;
    const int32_t r_b = ed_softmax_scale_up(z, zeros_b);
    const int32_t power_b = (12 - zeros_b) * (1 << 25) - quarter;

    const int32_t r = r_a < r_b ? r_a : r_b;
    const int32_t power = power_a > power_b ? power_a : power_b;
    const int32_t p = (int32_t)(((int64_t)r + root_root_half + 1) / 2);
    const int32_t q = (r - root_root_half) * 2;
    const int32_t q2 = ed_softmax_product(q, q);
    const int32_t above =
        ed_softmax_product(q, r) + ed_softmax_product(ed_softmax_product(q, q2), alpha_n);
    const int32_t below = ed_softmax_product(p, alpha_i + q + ed_softmax_product(alpha_d, q2)) +
                          ed_softmax_product(alpha_f, q);
    const int32_t ratio =
        ed_softmax_product(ed_softmax_divide(above, 6), ed_softmax_one_over_one_plus(below));
    return ed_softmax_scale_up(ed_softmax_product(power, log_2) + ratio, 1);
}

ED_INLINE void ed_log_softmax(const ed_log_softmax_shape *s, const int8_t *input, int8_t *output)
{
    for (int32_t at = 0; at < s->rows * s->depth; at += s->depth) {
        const int32_t highest = ed_softmax_highest(ED_ELEMENT_INT8, s->depth, input, at);
        const int32_t sum =
            ed_softmax_sum(&s->scale, ED_ELEMENT_INT8, s->depth, input, at, highest, 0, 0);
        const int32_t log_sum = ed_log_softmax_log(sum);
        /* What is at or below this is below -16 or so, and the least there is. */
        const int32_t reach =
            ed_requantize(log_sum + INT32_MIN, s->reverse_multiplier, s->reverse_shift);
        const int32_t last = s->scale.lowest_difference - 1;
        const int32_t floor = reach > last ? reach : last;
        for (int32_t i = at; i < at + s->depth; ++i) {
            const int32_t difference = input[i] - highest;
            int32_t value = INT8_MIN;
            if (difference > floor) {
                const int32_t scaled = ed_softmax_scaled(&s->scale, difference);
                const uint32_t share = (uint32_t)scaled - (uint32_t)log_sum;
                value = ed_softmax_divide((int32_t)share, 22) + 127;
            }
            output[i] = (int8_t)ed_requantize_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

#endif
