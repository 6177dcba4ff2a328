/* Bytes as they are, by words: as nn/copy.h, for the Cortex-M4, which takes words at any address.
 *
 * from and to: any alignment. `to` may lie over `from` where it begins at or before it: a word is
 * read before it is written.
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

ED_INLINE void ed_m4_copy(int32_t bytes, const int8_t *from, int8_t *to)
{
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
    for (; bytes >= 4; bytes -= 4) {
        ed_dsp_store(to, word);
        to += 4;
    }
    for (; bytes > 0; --bytes) {
        *to++ = value;
    }
}

#endif
