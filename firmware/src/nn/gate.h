/* Logistic and hyperbolic tangent of 16-bit fixed point: the gates of a recurrent layer.
 *
 * Of the reference's saturations only the last ones are here: for no argument do the others occur
 * (tests/nn/test_gate.py tries all).
 *
 * Qm.n is a number of m integer and n fraction bits beside its sign; here m + n = 15, and every
 * number is an int32 that holds an int16. The same steps as TensorFlow Lite's, whose roundings
 * they share. Source: gemmlowp/fixedpoint/fixedpoint.h, for int16.
 */
#ifndef ED_NN_GATE_H
#define ED_NN_GATE_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

/* a * b / 2^15 to the nearest, halves upwards. Not both -2^15, which the reference saturates. */
ED_INLINE int32_t ed_gate_times(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* exp(a) for a in [-1/4, 0), Q0.15 in and out: four terms of the series around -1/8. */
ED_INLINE int32_t ed_gate_exp_quarter(int32_t a)
{
    const int32_t exp_minus_eighth = 28918; /* exp(-1/8), Q0.15 */
    const int32_t third = 10923;            /* 1/3, Q0.15 */
    const int32_t x = a + (1 << 12);        /* a + 1/8 */
    const int32_t x2 = ed_gate_times(x, x);
    const int32_t x3 = ed_gate_times(x2, x);
    const int32_t x4 = ed_gate_times(x2, x2);
    const int32_t x3_x4 = ed_requantize_shift_right(x4, 2) + x3;
    const int32_t tail = ed_requantize_shift_right(ed_gate_times(x3_x4, third) + x2, 1);
    return exp_minus_eighth + ed_gate_times(exp_minus_eighth, x + tail);
}

/* exp(a) for a <= 0; a in Q(bits).(15 - bits), bits in [1, 7]; Q0.15 out: exp of the quarter, times
 * exp(-2^k) for each higher bit that is set. */
ED_INLINE int32_t ed_gate_exp(int32_t a, int32_t bits)
{
    static const int16_t exp_of_bit[7] = {
        25520, /* exp(-1/4), Q0.15 */
        19875, /* exp(-1/2) */
        12055, /* exp(-1) */
        4435,  /* exp(-2) */
        600,   /* exp(-4) */
        11,    /* exp(-8) */
        0,     /* exp(-16) */
    };
    const int32_t quarter = 1 << (13 - bits);
    const int32_t in_quarter = (a & (quarter - 1)) - quarter;
    const int32_t whole_quarters = in_quarter - a;
    int32_t result = ed_gate_exp_quarter(in_quarter * (1 << bits));
    for (int32_t bit = 0; bit < bits + 2 && bit < 7; ++bit) {
        if ((whole_quarters & (quarter << bit)) != 0) {
            result = ed_gate_times(result, exp_of_bit[bit]);
        }
    }
    if (bits > 5 && a < -(1 << (20 - bits))) { /* below -32 */
        return 0;
    }
    return a == 0 ? INT16_MAX : result;
}

/* 2 / (1 + a) for a in [0, 1), Q0.15 in, Q2.13 out: three Newton steps. */
ED_INLINE int32_t ed_gate_two_over_one_plus(int32_t a)
{
    const int32_t half = (a + INT16_MAX + 1) / 2; /* (1 + a) / 2, Q0.15 */
    /* First guess 48/17 - 32/17 * half. */
    int32_t x = 23130 + ed_gate_times(half, -15420);
    for (int step = 0; step < 3; ++step) {
        const int32_t error = (1 << 13) - ed_gate_times(half, x); /* 1 - half * x */
        x += ed_gate_times(x, error) * 4;
    }
    return x;
}

/* 1 / (1 + exp(-x)); Q3.12 in, Q0.15 out. Called in several places; long. */
ED_SHARED int32_t ed_gate_logistic(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t of_negative = ed_gate_exp(x < 0 ? x : -x, 3);
    const int32_t twice = ed_gate_two_over_one_plus(of_negative) * 2;
    const int32_t result = twice < INT16_MAX ? twice : INT16_MAX;
    return x > 0 ? result : INT16_MAX - result;
}

/* tanh(x); Q(bits).(15 - bits) in, bits in [0, 6]; Q0.15 out. */
ED_SHARED int32_t ed_gate_tanh(int32_t x, int32_t bits)
{
    if (x == 0) {
        return 0;
    }
    /* (1 - e) / (1 + e) with e = exp(-2 |x|): the same bits mean twice as much. */
    const int32_t of_negative = ed_gate_exp(x < 0 ? x : -x, bits + 1);
    const int32_t ratio = (ed_gate_two_over_one_plus(of_negative) - (1 << 13)) * 4;
    const int32_t result = ed_requantize_clamp(ratio, INT16_MIN, INT16_MAX);
    return x > 0 ? result : -result;
}

#endif
