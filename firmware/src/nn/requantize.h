/* From a 32-bit accumulator to an int8 output, as TensorFlow Lite's reference kernels do it:
 * a rounding doubling high multiplication, then a rounding shift, two roundings in all.
 * Source: gemmlowp/fixedpoint/fixedpoint.h; tensorflow/lite/kernels/internal/common.h.
 */
#ifndef ED_NN_REQUANTIZE_H
#define ED_NN_REQUANTIZE_H

#include <stdint.h>

#include "nn/inline.h"

/* a * b / 2^31 to the nearest, halves upwards. Not both -2^31, where the reference saturates. */
ED_INLINE int32_t ed_requantize_high(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x / 2^exponent to the nearest, halves away from zero. exponent in [0, 31]. */
ED_INLINE int32_t ed_requantize_shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((1u << exponent) - 1u);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* x limited to [lowest, highest]. */
ED_INLINE int32_t ed_requantize_clamp(int32_t x, int32_t lowest, int32_t highest)
{
    return x < lowest ? lowest : x > highest ? highest : x;
}

/* accumulator * multiplier / 2^31 * 2^shift. |multiplier| 0 or in [2^30, 2^31); shift in [-31, 31].
 * A left shift drops the bits that leave the word, as the reference does. */
ED_INLINE int32_t ed_requantize(int32_t accumulator, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return ed_requantize_high((int32_t)((uint32_t)accumulator << shift), multiplier);
    }
    return ed_requantize_shift_right(ed_requantize_high(accumulator, multiplier), -shift);
}

/* The int8 output of an accumulator: scaled, offset by the output's zero point, clamped. */
ED_INLINE int8_t ed_requantize_int8(int32_t accumulator, int32_t multiplier, int32_t shift,
                                    int32_t zero_point, int32_t lowest, int32_t highest)
{
    const int32_t scaled = ed_requantize(accumulator, multiplier, shift);
    const uint32_t moved = (uint32_t)scaled + (uint32_t)zero_point;
    return (int8_t)ed_requantize_clamp((int32_t)moved, lowest, highest);
}

#endif
