/* A RESHAPE that cannot share its input's memory: the same bytes elsewhere. */
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

#endif
