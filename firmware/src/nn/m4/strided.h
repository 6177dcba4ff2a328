/* Strided copies for the Cortex-M4: as nn/strided.h, by bytes or by words, as long as runs are. */
#ifndef ED_NN_M4_STRIDED_H
#define ED_NN_M4_STRIDED_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/copy.h"
#include "nn/strided.h"

/* Runs of one byte. */
ED_INLINE void ed_m4_strided_bytes(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_strided_each(s, from, to, ed_m4_copy_byte);
}

/* Short runs of whole words. */
ED_INLINE void ed_m4_strided_words(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_strided_each(s, from, to, ed_m4_copy_words);
}

/* Runs of any length. */
ED_INLINE void ed_m4_strided_copy(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_strided_each(s, from, to, ed_m4_copy);
}

ED_INLINE void ed_m4_strided_pad(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_m4_fill(s->bytes, (int8_t)s->fill, to);
    ed_strided_each(s, from, to, ed_m4_copy);
}

#endif
