#include "features/ed_math.h"

#include <float.h>

/* A machine that computes floats in more than their own precision would round differently. */
#if FLT_EVAL_METHOD != 0
#error "float arithmetic must be float32 (on 32-bit x86: -mfpmath=sse -msse2)"
#endif

#define MANTISSA_BITS 23
#define ONE_BITS 0x3F800000u       /* 1.0f */
#define HALF_SQRT_BITS 0x3F3504F3u /* sqrt(1/2) */

typedef union {
    float value;
    uint32_t bits;
} float_bits;

/* sin(x) for x in [0, pi/4]: its Taylor series; the first term left out is below 2^-28 sin(x). */
static float sine_of(float x)
{
    const float x2 = x * x;
    float sum = 1.0f / 362880.0f; /* 1/9! */

    sum = -1.0f / 5040.0f + x2 * sum;
    sum = 1.0f / 120.0f + x2 * sum;
    sum = -1.0f / 6.0f + x2 * sum;
    return x + x * (x2 * sum);
}

/* cos(x) for x in [0, pi/4], the same way; the first term left out is below 2^-32. */
static float cosine_of(float x)
{
    const float x2 = x * x;
    float sum = -1.0f / 3628800.0f; /* 1/10! */

    sum = 1.0f / 40320.0f + x2 * sum;
    sum = -1.0f / 720.0f + x2 * sum;
    sum = 1.0f / 24.0f + x2 * sum;
    sum = -0.5f + x2 * sum;
    return 1.0f + x2 * sum;
}

ed_math_angle ed_math_turn(uint32_t part, uint32_t whole)
{
    /* Whole numbers bring the angle into the first eighth of a turn without an error. */
    const uint32_t eighths = part % whole * 8u; /* of 1/whole of a turn; below 2^23 */
    const uint32_t octant = eighths / whole;
    const uint32_t past = eighths % whole;
    const uint32_t from_axis = (octant & 1u) != 0 ? whole - past : past;
    /* 0x1.921fb6p-1f is pi/4: an eighth of a turn. */
    const float x = (float)from_axis * 0x1.921fb6p-1f / (float)whole;
    const float sine = sine_of(x);
    const float cosine = cosine_of(x);
    ed_math_angle angle;

    switch (octant) {
    case 0:
        angle.cosine = cosine, angle.sine = sine;
        break;
    case 1:
        angle.cosine = sine, angle.sine = cosine;
        break;
    case 2:
        angle.cosine = -sine, angle.sine = cosine;
        break;
    case 3:
        angle.cosine = -cosine, angle.sine = sine;
        break;
    case 4:
        angle.cosine = -cosine, angle.sine = -sine;
        break;
    case 5:
        angle.cosine = -sine, angle.sine = -cosine;
        break;
    case 6:
        angle.cosine = sine, angle.sine = -cosine;
        break;
    default:
        angle.cosine = cosine, angle.sine = -sine;
        break;
    }
    return angle;
}

float ed_math_log(float x)
{
    /* x = 2^exponent * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); f has no rounding error. */
    float_bits number;
    uint32_t shifted;
    int32_t exponent;
    float f, s, s2, tail, e;

    number.value = x;
    shifted = number.bits - HALF_SQRT_BITS + ONE_BITS; /* so that the exponent changes there */
    exponent = (int32_t)(shifted >> MANTISSA_BITS) - 127;
    number.bits -= (uint32_t)exponent << MANTISSA_BITS;
    f = number.value - 1.0f;

    /* ln(1 + f) = 2 atanh(s) with s = f / (2 + f), and 2 s = f - s f; so with the series of
     * atanh, ln(1 + f) = f - s (f - tail), tail = 2 (s^2/3 + s^4/5 + ...). As |s| < 0.172 the
     * first term left out is below 2^-28 of the sum. */
    s = f / (2.0f + f);
    s2 = s * s;
    tail = 2.0f / 9.0f;
    tail = 2.0f / 7.0f + s2 * tail;
    tail = 2.0f / 5.0f + s2 * tail;
    tail = 2.0f / 3.0f + s2 * tail;
    tail = s2 * tail;

    /* ln 2 in two parts; the first has 15 bits, so that its product with `e` is exact. */
    e = (float)exponent;
    return e * 0x1.62e4p-1f + (f - (s * (f - tail) - e * 0x1.7f7d1cp-20f));
}

float ed_math_sqrt(float x)
{
    /* Halving the exponent is off by 6 % at most; each of Newton's steps squares the error. */
    float_bits root;

    root.value = x;
    root.bits = (root.bits >> 1) + (ONE_BITS >> 1);
    for (int step = 0; step < 4; step++) {
        root.value = 0.5f * (root.value + x / root.value);
    }
    return root.value;
}
