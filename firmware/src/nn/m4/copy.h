/* Bytes as they are, by words: as nn/copy.h, for the Cortex-M4, which takes words at any address.
 *
 * from and to: any alignment. `to` may lie over `from` where it begins at or before it: words are
 * read before they are written.
 */
#ifndef ED_NN_M4_COPY_H
#define ED_NN_M4_COPY_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

ED_INLINE void ed_m4_copy_byte(int32_t bytes, const int8_t *from, int8_t *to)
{
    (void)bytes;
    *to = *from;
}

/* bytes: a multiple of 4, above 0. */
ED_INLINE void ed_m4_copy_words(int32_t bytes, const int8_t *from, int8_t *to)
{
    const int8_t *const end = to + bytes;
    do {
        ed_dsp_store(to, ed_dsp_load(from));
        from += 4;
        to += 4;
    } while (to != end);
}

ED_INLINE void ed_m4_copy(int32_t bytes, const int8_t *from, int8_t *to)
{
    for (; bytes >= 16; bytes -= 16) {
        const uint32_t a = ed_dsp_load(from);
        const uint32_t b = ed_dsp_load(from + 4);
        const uint32_t c = ed_dsp_load(from + 8);
        const uint32_t d = ed_dsp_load(from + 12);
        ed_dsp_store(to, a);
        ed_dsp_store(to + 4, b);
        ed_dsp_store(to + 8, c);
        ed_dsp_store(to + 12, d);
        from += 16;
        to += 16;
    }
    for (; bytes >= 4; bytes -= 4) {
        ed_dsp_store(to, ed_dsp_load(from));
        from += 4;
        to += 4;
    }
    for (; bytes > 0; --bytes) {
        *to++ = *from++;
    }
}

ED_INLINE void ed_m4_fill(int32_t bytes, int8_t value, int8_t *to)
{
    const uint32_t word = 0x01010101u * (uint8_t)value;
    for (; bytes >= 16; bytes -= 16) {
        ed_dsp_store(to, word);
        ed_dsp_store(to + 4, word);
        ed_dsp_store(to + 8, word);
        ed_dsp_store(to + 12, word);
        to += 16;
    }
    for (; bytes >= 4; bytes -= 4) {
        ed_dsp_store(to, word);
        to += 4;
    }
    for (; bytes > 0; --bytes) {
        *to++ = value;
    }
}

#endif
