/* One byte for each byte, Cortex-M4. The same outputs as nn/lookup.h; words of four bytes.
 *
 * input, output  at any address; output may be `input`, or begin before it
 */
#ifndef ED_NN_M4_LOOKUP_H
#define ED_NN_M4_LOOKUP_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/lookup.h"
#include "nn/m4/dsp.h"

/* The four outputs of a word. */
ED_INLINE uint32_t ed_m4_lookup_word(uint32_t word, const uint8_t *table)
{
    const uint32_t a = word & 0xffu, b = (word >> 8) & 0xffu, c = (word >> 16) & 0xffu;
    const uint32_t d = word >> 24;
    return table[a] | (uint32_t)table[b] << 8 | (uint32_t)table[c] << 16 | (uint32_t)table[d] << 24;
}

ED_INLINE void ed_m4_lookup(const ed_lookup_shape *s, const uint8_t *input, uint8_t *output,
                            const uint8_t *table)
{
    const uint8_t *const end = input + s->count;
    for (; end - input >= 8; input += 8, output += 8) {
        const uint32_t first = ed_dsp_load(input), second = ed_dsp_load(input + 4);
        ed_dsp_store(output, ed_m4_lookup_word(first, table));
        ed_dsp_store(output + 4, ed_m4_lookup_word(second, table));
    }
    while (input < end) {
        *output++ = table[*input++];
    }
}

ED_INLINE void ed_m4_lookup_flipped(const ed_lookup_shape *s, const uint8_t *input, uint8_t *output)
{
    const uint8_t *const end = input + s->count;
    for (; end - input >= 16; input += 16, output += 16) {
        const uint32_t a = ed_dsp_load(input), b = ed_dsp_load(input + 4);
        const uint32_t c = ed_dsp_load(input + 8), d = ed_dsp_load(input + 12);
        ed_dsp_store(output, a ^ 0x80808080u);
        ed_dsp_store(output + 4, b ^ 0x80808080u);
        ed_dsp_store(output + 8, c ^ 0x80808080u);
        ed_dsp_store(output + 12, d ^ 0x80808080u);
    }
    while (input < end) {
        *output++ = (uint8_t)(*input++ ^ 0x80u);
    }
}

ED_INLINE uint32_t ed_m4_lookup_limited(uint32_t word, uint32_t lowest, uint32_t highest)
{
    return ed_dsp_lesser4(ed_dsp_greater4(word, lowest), highest);
}

ED_INLINE void ed_m4_lookup_clamped(const ed_lookup_clamp *s, const int8_t *input, int8_t *output)
{
    const uint32_t lowest = (uint8_t)s->lowest * 0x01010101u;
    const uint32_t highest = (uint8_t)s->highest * 0x01010101u;
    const int8_t *const end = input + s->count;
    for (; end - input >= 16; input += 16, output += 16) {
        const uint32_t a = ed_dsp_load(input), b = ed_dsp_load(input + 4);
        const uint32_t c = ed_dsp_load(input + 8), d = ed_dsp_load(input + 12);
        ed_dsp_store(output, ed_m4_lookup_limited(a, lowest, highest));
        ed_dsp_store(output + 4, ed_m4_lookup_limited(b, lowest, highest));
        ed_dsp_store(output + 8, ed_m4_lookup_limited(c, lowest, highest));
        ed_dsp_store(output + 12, ed_m4_lookup_limited(d, lowest, highest));
    }
    while (input < end) {
        *output++ = (int8_t)ed_requantize_clamp(*input++, s->lowest, s->highest);
    }
}

#endif
