/* Operators of two int8 operands four outputs at a time, Cortex-M4. The same outputs as
 * ed_broadcast_each.
 *
 * first, second, output  at any address; output may begin at or before an operand of its own size
 */
#ifndef ED_NN_M4_QUADS_H
#define ED_NN_M4_QUADS_H

#include <stdint.h>

#include "nn/broadcast.h"
#include "nn/inline.h"
#include "nn/m4/dsp.h"

/* Four outputs from four values of each operand. shape: the operator's own. */
typedef uint32_t (*ed_m4_quad)(const void *shape, uint32_t first, uint32_t second);

/* Bytes 1 and 3 of a word of int8, as a pair of 256 times their value. */
ED_INLINE uint32_t ed_m4_quads_odd(uint32_t word)
{
    return word & 0xff00ff00u;
}

/* Bytes 0 and 2 of a word of int8, as a pair of 256 times their value. */
ED_INLINE uint32_t ed_m4_quads_even(uint32_t word)
{
    return (word << 8) & 0xff00ff00u;
}

/* Four int8 as a word, the first in the lowest byte. */
ED_INLINE uint32_t ed_m4_quads_pack(int32_t x0, int32_t x1, int32_t x2, int32_t x3)
{
    uint32_t word = (uint32_t)x0;
    word = ed_dsp_insert_byte1(word, (uint32_t)x1);
    word = ed_dsp_insert_byte2(word, (uint32_t)x2);
    return ed_dsp_insert_byte3(word, (uint32_t)x3);
}

/* The first 1 to 3 of four int8 as a word, zeros after them. */
ED_INLINE uint32_t ed_m4_quads_load_some(const int8_t *at, int32_t count)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < count; ++i) {
        word |= (uint32_t)(uint8_t)at[i] << (8 * i);
    }
    return word;
}

/* One row: a, b step by 0 (they point to four bytes that are the same) or by 1. */
ED_INLINE void ed_m4_quads_row(int32_t count, const int8_t *a, int32_t step_a, const int8_t *b,
                               int32_t step_b, int8_t *output, ed_m4_quad quad, const void *shape)
{
    int8_t *const end = output + count / 4 * 4;
    while (output < end) {
        const uint32_t four = quad(shape, ed_dsp_load(a), ed_dsp_load(b));
        ed_dsp_store(output, four);
        output += 4;
        a += 4 * step_a;
        b += 4 * step_b;
    }
    const int32_t rest = count % 4;
    if (rest > 0) {
        uint32_t some =
            quad(shape, ed_m4_quads_load_some(a, rest), ed_m4_quads_load_some(b, rest));
        for (int32_t i = 0; i < rest; ++i) {
            *output++ = (int8_t)(some & 0xffu);
            some >>= 8;
        }
    }
}

ED_INLINE void ed_m4_quads_each(const ed_broadcast_shape *s, const int8_t *first,
                                const int8_t *second, int8_t *output, ed_m4_quad quad,
                                const void *shape)
{
    const int32_t last = ED_BROADCAST_DIMENSIONS - 1;
    const int32_t rows = ed_broadcast_rows(s);
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *a = first + ed_broadcast_row(s, 0, row);
        const int8_t *b = second + ed_broadcast_row(s, 1, row);
        const uint32_t same[2] = {(uint8_t)*a * 0x01010101u, (uint8_t)*b * 0x01010101u};
        a = s->step[0][last] == 0 ? (const int8_t *)&same[0] : a;
        b = s->step[1][last] == 0 ? (const int8_t *)&same[1] : b;
        ed_m4_quads_row(s->size[last], a, s->step[0][last], b, s->step[1][last], output, quad,
                        shape);
        output += s->size[last];
    }
}

#endif
