/* QUANTIZE of floats to 8 bits, Cortex-M4. The same outputs as nn/quantize.h, mostly without its
 * division.
 *
 * x * inverse is within 2^-13 of the quotient x / scale, which the reference rounds, as long as that
 * is below 2^10 steps; beyond, all is clamped. So where the product is not within 2^-10 of a half,
 * both have the same nearest integer. Where it is, and where x is no number or more than 2^14 steps,
 * the division decides.
 *
 * inverse  1 / scale to the nearest, a normal number
 * limit    twice the bits of 2^14 * scale: what a magnitude's bits may be, shifted to the left
 */
#ifndef ED_NN_M4_QUANTIZE_H
#define ED_NN_M4_QUANTIZE_H

#include <stdint.h>

#include "nn/element.h"
#include "nn/inline.h"
#include "nn/quantize.h"

typedef struct {
    ed_quantize_shape exact;
    float inverse;
    uint32_t limit;
} ed_m4_quantize_shape;

typedef union {
    uint32_t bits;
    float value;
} ed_m4_quantize_float;

/* x * 2^16 towards zero. |x| below 2^15. */
ED_INLINE int32_t ed_m4_quantize_fixed(float x)
{
    ed_m4_quantize_float fixed;
    fixed.value = x;
    __asm__("vcvt.s32.f32 %0, %0, #16" : "+t"(fixed.value));
    return (int32_t)fixed.bits;
}

ED_INLINE int32_t ed_m4_quantize_to_int8(int32_t x)
{
    __asm__("ssat %0, #8, %0, asr #16" : "+r"(x));
    return x;
}

ED_INLINE int32_t ed_m4_quantize_to_uint8(int32_t x)
{
    __asm__("usat %0, #8, %0, asr #16" : "+r"(x));
    return x;
}

/* One value by division. */
ED_SHARED int32_t ed_m4_quantize_exact(const ed_quantize_shape *s, float x)
{
    ED_KEEP();
    const int32_t steps = ed_quantize_round(x / s->scale);
    return ed_quantize_place(steps, s->zero_point, s->lowest, s->highest);
}

ED_INLINE void ed_m4_quantize(const ed_m4_quantize_shape *s, const float *input, void *output)
{
    const int32_t round = s->exact.zero_point * (1 << 16) + (1 << 15);
    for (int32_t i = 0; i < s->exact.count; ++i) {
        ed_m4_quantize_float x;
        x.value = input[i];
        int32_t value;
        const int32_t fixed =
            x.bits << 1 <= s->limit ? ed_m4_quantize_fixed(x.value * s->inverse) : 1 << 15;
        if ((uint16_t)(fixed - 0x7fc0) < 0x80) {
            value = ed_m4_quantize_exact(&s->exact, x.value);
        } else if (s->exact.to == ED_ELEMENT_UINT8) {
            value = ed_m4_quantize_to_uint8(fixed + round);
        } else {
            value = ed_m4_quantize_to_int8(fixed + round);
        }
        ed_element_store(s->exact.to, output, i, value);
    }
}

#endif
