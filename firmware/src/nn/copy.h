/* Bytes as they are: a RESHAPE that cannot share its input's memory, states at their beginning. */
#ifndef ED_NN_COPY_H
#define ED_NN_COPY_H

#include <stdint.h>

#include "nn/inline.h"

ED_INLINE void ed_copy(int32_t bytes, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < bytes; ++i) {
        output[i] = input[i];
    }
}

ED_INLINE void ed_fill(int32_t bytes, int8_t value, int8_t *output)
{
    for (int32_t i = 0; i < bytes; ++i) {
        output[i] = value;
    }
}

#endif
