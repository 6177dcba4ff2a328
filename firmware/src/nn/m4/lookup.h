/* One byte for each byte, Cortex-M4. The same outputs as nn/lookup.h; four bytes a word.
 *
 * input, output  at any address; output may be `input`, or begin before it
 */
#ifndef ED_NN_M4_LOOKUP_H
#define ED_NN_M4_LOOKUP_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/lookup.h"
#include "nn/m4/dsp.h"

ED_INLINE void ed_m4_lookup(const ed_lookup_shape *s, const uint8_t *input, uint8_t *output,
                            const uint8_t *table)
{
    const uint8_t *const words_end = input + (s->count & ~3);
    const uint8_t *const end = input + s->count;
    for (; input < words_end; input += 4, output += 4) {
        const uint32_t word = ed_dsp_load(input);
        const uint32_t a = table[word & 0xffu], b = table[(word >> 8) & 0xffu];
        const uint32_t c = table[(word >> 16) & 0xffu], d = table[word >> 24];
        ed_dsp_store(output, a | b << 8 | c << 16 | d << 24);
    }
    while (input < end) {
        *output++ = table[*input++];
    }
}

ED_INLINE void ed_m4_lookup_clamped(const ed_lookup_clamp *s, const int8_t *input, int8_t *output)
{
    const uint32_t lowest = (uint8_t)s->lowest * 0x01010101u;
    const uint32_t highest = (uint8_t)s->highest * 0x01010101u;
    const int8_t *const words_end = input + (s->count & ~3);
    const int8_t *const end = input + s->count;
    for (; input < words_end; input += 4, output += 4) {
        ed_dsp_store(output, ed_dsp_lesser4(ed_dsp_greater4(ed_dsp_load(input), lowest), highest));
    }
    while (input < end) {
        *output++ = (int8_t)ed_requantize_clamp(*input++, s->lowest, s->highest);
    }
}

#endif
