/* Product of two int8 operands, Cortex-M4. The same outputs as nn/mul.h.
 *
 * For factors that shift right by 1 to 22 bits: twice a product fits a word, see ed_dsp_scale.
 */
#ifndef ED_NN_M4_MUL_H
#define ED_NN_M4_MUL_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"

typedef struct {
    ed_broadcast_shape broadcast;
    uint32_t offset[2];        /* the negated zero points, in each half of a pair */
    ed_dsp_channel scale;      /* as ed_dsp_prepare makes it of the factor and the zero point */
    uint32_t lowest, highest;  /* an int8 in each byte */
} ed_m4_mul_shape;

/* Four outputs, before the activation. rectified: see ed_dsp_scale. */
ED_INLINE uint32_t ed_m4_mul_four(const ed_m4_mul_shape *s, uint32_t first, uint32_t second,
                                  int32_t rectified)
{
    const uint32_t a02 = ed_dsp_sxtab16(s->offset[0], first);
    const uint32_t a13 = ed_dsp_sxtab16_odd(s->offset[0], first);
    const uint32_t b02 = ed_dsp_sxtab16(s->offset[1], second);
    const uint32_t b13 = ed_dsp_sxtab16_odd(s->offset[1], second);
    const int32_t p0 = ed_dsp_smulbb(a02, b02), p2 = ed_dsp_smultt(a02, b02);
    const int32_t p1 = ed_dsp_smulbb(a13, b13), p3 = ed_dsp_smultt(a13, b13);
    const ed_dsp_scale scale = {0, INT8_MIN, INT8_MAX, 1, rectified};
    return ed_m4_quads_pack(ed_dsp_requantize(&scale, s->scale, (uint32_t)p0),
                            ed_dsp_requantize(&scale, s->scale, (uint32_t)p1),
                            ed_dsp_requantize(&scale, s->scale, (uint32_t)p2),
                            ed_dsp_requantize(&scale, s->scale, (uint32_t)p3));
}

ED_INLINE uint32_t ed_m4_mul_quad(const void *shape, uint32_t first, uint32_t second)
{
    return ed_m4_mul_four(shape, first, second, 0);
}

/* The same with a fused activation. */
ED_INLINE uint32_t ed_m4_mul_clamped_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_mul_shape *s = shape;
    const uint32_t word = ed_m4_mul_four(s, first, second, 0);
    return ed_dsp_lesser4(ed_dsp_greater4(word, s->lowest), s->highest);
}

/* The same with an activation that clamps all below the zero point. */
ED_INLINE uint32_t ed_m4_mul_rectified_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_mul_shape *s = shape;
    const uint32_t word = ed_m4_mul_four(s, first, second, 1);
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

ED_INLINE void ed_m4_mul_rectified(const ed_m4_mul_shape *s, const int8_t *first,
                                   const int8_t *second, int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_mul_rectified_quad, s);
}

#endif
