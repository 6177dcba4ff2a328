/* ed_dot and ed_dot_offset with the Cortex-M4's DSP instructions: four products in two SMLAD. Neither
 * row need be aligned. */
#ifndef ED_NN_M4_DOT_H
#define ED_NN_M4_DOT_H

#include <stdint.h>

#include "nn/dot.h"
#include "nn/inline.h"
#include "nn/m4/dsp.h"

ED_INLINE uint32_t ed_m4_dot(int32_t count, const int8_t *a, const int8_t *b, uint32_t sum)
{
    const int8_t *const end = a + count / 4 * 4;
    while (a < end) {
        const uint32_t four_a = ed_dsp_load(a);
        const uint32_t four_b = ed_dsp_load(b);
        sum = ed_dsp_smlad(ed_dsp_sxtb16(four_a), ed_dsp_sxtb16(four_b), sum);
        sum = ed_dsp_smlad(ed_dsp_sxtb16_odd(four_a), ed_dsp_sxtb16_odd(four_b), sum);
        a += 4;
        b += 4;
    }
    return ed_dot(count % 4, a, b, sum);
}

ED_INLINE uint32_t ed_m4_dot_offset(int32_t count, const int8_t *a, int32_t offset, const int8_t *b,
                                    uint32_t sum)
{
    const uint32_t pair = ((uint32_t)offset & 0xffffu) * 0x10001u;
    const int8_t *const end = a + count / 4 * 4;
    while (a < end) {
        const uint32_t four_a = ed_dsp_load(a);
        const uint32_t four_b = ed_dsp_load(b);
        sum = ed_dsp_smlad(ed_dsp_sxtab16(pair, four_a), ed_dsp_sxtb16(four_b), sum);
        sum = ed_dsp_smlad(ed_dsp_sxtab16_odd(pair, four_a), ed_dsp_sxtb16_odd(four_b), sum);
        a += 4;
        b += 4;
    }
    return ed_dot_offset(count % 4, a, offset, b, sum);
}

#endif
