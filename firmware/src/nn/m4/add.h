/* Sum and difference of two int8 operands, Cortex-M4. The same outputs as nn/add.h.
 *
 * For operands whose 65,536 pairs the compiler has all found to give the same output as
 *     (round + factor[0] * first / 2^8 + factor[1] * second / 2^8) >> 20,
 * limited to [lowest, highest]; quotients are rounded down, zero points are in `round`.
 */
#ifndef ED_NN_M4_ADD_H
#define ED_NN_M4_ADD_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"

typedef struct {
    ed_broadcast_shape broadcast;
    int32_t factor[2];
    int32_t round;
    uint32_t lowest, highest; /* an int8 in each byte */
} ed_m4_add_shape;

ED_INLINE uint32_t ed_m4_add_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_add_shape *s = shape;
    const uint32_t a02 = ed_m4_quads_even(first), a13 = ed_m4_quads_odd(first);
    const uint32_t b02 = ed_m4_quads_even(second), b13 = ed_m4_quads_odd(second);
    const int32_t a = s->factor[0], b = s->factor[1];
    const int32_t x0 = ed_dsp_smlawb(b, b02, ed_dsp_smlawb(a, a02, s->round));
    const int32_t x1 = ed_dsp_smlawb(b, b13, ed_dsp_smlawb(a, a13, s->round));
    const int32_t x2 = ed_dsp_smlawt(b, b02, ed_dsp_smlawt(a, a02, s->round));
    const int32_t x3 = ed_dsp_smlawt(b, b13, ed_dsp_smlawt(a, a13, s->round));
    return ed_m4_quads_pack(ed_dsp_shift20_to_int8(x0), ed_dsp_shift20_to_int8(x1),
                            ed_dsp_shift20_to_int8(x2), ed_dsp_shift20_to_int8(x3));
}

/* The same with a fused activation. */
ED_INLINE uint32_t ed_m4_add_clamped_quad(const void *shape, uint32_t first, uint32_t second)
{
    const ed_m4_add_shape *s = shape;
    const uint32_t word = ed_m4_add_quad(shape, first, second);
    return ed_dsp_lesser4(ed_dsp_greater4(word, s->lowest), s->highest);
}

ED_INLINE void ed_m4_add(const ed_m4_add_shape *s, const int8_t *first, const int8_t *second,
                         int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_add_quad, s);
}

ED_INLINE void ed_m4_add_clamped(const ed_m4_add_shape *s, const int8_t *first,
                                 const int8_t *second, int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_add_clamped_quad, s);
}

#endif
