/* Product of two int8 operands, Cortex-M4. The same outputs as nn/mul.h.
 *
 * For operands whose 65,536 pairs the compiler has all found to give the same output as
 *     (round + (product << lift) * multiplier / 2^32) >> shift,
 * limited to [lowest, highest], where product is that of the operands less their zero points, and
 * the quotient is rounded to the nearest, halves upwards.
 */
#ifndef ED_NN_M4_MUL_H
#define ED_NN_M4_MUL_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"

typedef struct {
    ed_broadcast_shape broadcast;
    uint32_t offset[2];       /* the negated zero points, in each half of a pair */
    int32_t lift;             /* [0, 14] */
    int32_t multiplier;       /* 0 or in [2^30, 2^31) */
    int32_t round;
    int32_t shift;            /* [0, 31] */
    uint32_t lowest, highest; /* an int8 in each byte */
} ed_m4_mul_shape;

/* The output of a product, before the activation. */
ED_INLINE int32_t ed_m4_mul_scaled(const ed_m4_mul_shape *s, int32_t product)
{
    const int32_t lifted = (int32_t)((uint32_t)product << s->lift);
    return ed_dsp_to_int8(ed_dsp_smmlar(lifted, s->multiplier, s->round) >> s->shift);
}

ED_INLINE uint32_t ed_m4_mul_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_mul_shape *s = shape;
    const uint32_t a02 = ed_dsp_sxtab16(s->offset[0], first);
    const uint32_t a13 = ed_dsp_sxtab16_odd(s->offset[0], first);
    const uint32_t b02 = ed_dsp_sxtab16(s->offset[1], second);
    const uint32_t b13 = ed_dsp_sxtab16_odd(s->offset[1], second);
    return ed_m4_quads_pack(ed_m4_mul_scaled(s, ed_dsp_smulbb(a02, b02)),
                            ed_m4_mul_scaled(s, ed_dsp_smulbb(a13, b13)),
                            ed_m4_mul_scaled(s, ed_dsp_smultt(a02, b02)),
                            ed_m4_mul_scaled(s, ed_dsp_smultt(a13, b13)));
}

/* The same with a fused activation. */
ED_INLINE uint32_t ed_m4_mul_clamped_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_mul_shape *s = shape;
    const uint32_t word = ed_m4_mul_quad(shape, first, second);
    return ed_dsp_lesser4(ed_dsp_greater4(word, s->lowest), s->highest);
}

ED_INLINE void ed_m4_mul(const ed_m4_mul_shape *s, const int8_t *first, const int8_t *second,
                         int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_mul_quad, s);
}

ED_INLINE void ed_m4_mul_clamped(const ed_m4_mul_shape *s, const int8_t *first,
                                 const int8_t *second, int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_mul_clamped_quad, s);
}

#endif
