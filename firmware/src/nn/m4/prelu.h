/* Parametric rectifier, int8, Cortex-M4. The same outputs as nn/prelu.h.
 *
 * For factors that leave 32 bits room: see ed_m4_prelu_side.
 */
#ifndef ED_NN_M4_PRELU_H
#define ED_NN_M4_PRELU_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"

/* One factor, prepared. lift: one more than it shifts left, so that (product << lift) fits a word.
 * shift: right, at least 1 for products that may be negative, at most 22. round: the zero point
 * and half a step, before the shift. */
typedef struct {
    int32_t lift, multiplier, round, shift;
} ed_m4_prelu_side;

typedef struct {
    ed_broadcast_shape broadcast;
    uint32_t offset[2];       /* the negated zero points, in each half of a pair */
    ed_m4_prelu_side side[2]; /* of inputs above zero, and of products below */
} ed_m4_prelu_shape;

/* One output. product: of value and alpha. */
ED_INLINE int32_t ed_m4_prelu_one(const ed_m4_prelu_shape *s, int32_t value, int32_t product)
{
    const ed_m4_prelu_side *side = &s->side[value < 0];
    const uint32_t raised = (uint32_t)(value < 0 ? product : value) << side->lift;
    const int32_t high = ed_dsp_smmulr((int32_t)raised, side->multiplier);
    return ed_dsp_to_int8((high + (high >> 31) + side->round) >> side->shift);
}

ED_INLINE uint32_t ed_m4_prelu_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_prelu_shape *s = shape;
    const uint32_t a02 = ed_dsp_sxtab16(s->offset[0], first);
    const uint32_t a13 = ed_dsp_sxtab16_odd(s->offset[0], first);
    const uint32_t b02 = ed_dsp_sxtab16(s->offset[1], second);
    const uint32_t b13 = ed_dsp_sxtab16_odd(s->offset[1], second);
    return ed_m4_quads_pack(
        ed_m4_prelu_one(s, (int16_t)(a02 & 0xffffu), ed_dsp_smulbb(a02, b02)),
        ed_m4_prelu_one(s, (int16_t)(a13 & 0xffffu), ed_dsp_smulbb(a13, b13)),
        ed_m4_prelu_one(s, (int32_t)a02 >> 16, ed_dsp_smultt(a02, b02)),
        ed_m4_prelu_one(s, (int32_t)a13 >> 16, ed_dsp_smultt(a13, b13)));
}

ED_INLINE void ed_m4_prelu(const ed_m4_prelu_shape *s, const int8_t *first, const int8_t *second,
                           int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_prelu_quad, s);
}

#endif
