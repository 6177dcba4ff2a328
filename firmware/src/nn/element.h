/* Elements of tensors by their type, for kernels that serve several: the compiler says which, so that
 * nothing of the choice is left in the code. */
#ifndef ED_NN_ELEMENT_H
#define ED_NN_ELEMENT_H

#include <stdint.h>

#include "nn/inline.h"

typedef enum {
    ED_ELEMENT_BOOL, /* a byte, 0 or 1 */
    ED_ELEMENT_INT8,
    ED_ELEMENT_UINT8,
    ED_ELEMENT_INT16,
    ED_ELEMENT_INT32,
    ED_ELEMENT_INT64, /* two words, low first */
    ED_ELEMENT_FLOAT32
} ed_element;

/* Integer i of a tensor; of an int64 the low word. */
ED_INLINE int32_t ed_element_load(ed_element type, const void *tensor, int32_t i)
{
    switch (type) {
    case ED_ELEMENT_INT8:
        return ((const int8_t *)tensor)[i];
    case ED_ELEMENT_INT16:
        return ((const int16_t *)tensor)[i];
    case ED_ELEMENT_INT32:
        return ((const int32_t *)tensor)[i];
    case ED_ELEMENT_INT64:
        return ((const int32_t *)tensor)[2 * i];
    default:
        return ((const uint8_t *)tensor)[i];
    }
}

/* Makes x integer i of a tensor, modulo the size of the type; of a bool whether x is not 0. */
ED_INLINE void ed_element_store(ed_element type, void *tensor, int32_t i, int32_t x)
{
    switch (type) {
    case ED_ELEMENT_BOOL:
        ((uint8_t *)tensor)[i] = x != 0;
        break;
    case ED_ELEMENT_INT16:
        ((int16_t *)tensor)[i] = (int16_t)x;
        break;
    case ED_ELEMENT_INT32:
        ((int32_t *)tensor)[i] = x;
        break;
    case ED_ELEMENT_INT64:
        ((int32_t *)tensor)[2 * i] = x;
        ((int32_t *)tensor)[2 * i + 1] = x >> 31;
        break;
    default:
        ((uint8_t *)tensor)[i] = (uint8_t)x;
        break;
    }
}

/* A float towards zero as an int32; -2^31 where there is none and of what is no number, as x86 has
 * it. */
ED_INLINE int32_t ed_element_truncate(float x)
{
    return x > -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN;
}

#endif
