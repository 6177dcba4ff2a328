/* Runs picked by tables for the Cortex-M4: as nn/picked.h, by words. */
#ifndef ED_NN_M4_PICKED_H
#define ED_NN_M4_PICKED_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/copy.h"
#include "nn/picked.h"

ED_INLINE void ed_m4_picked_copy(const ed_picked_shape *s, const int8_t *from, int8_t *to,
                                 const int32_t *offsets)
{
    ed_picked_each(s, from, to, offsets, ed_m4_copy);
}

#endif
