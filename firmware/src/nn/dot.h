/* The sum of products of two rows of int8, portable C99.
 *
 * Kernels that can use a faster one take it as a function that the compiler sees, and so inlines:
 * nn/m4/dot.h.
 */
#ifndef ED_NN_DOT_H
#define ED_NN_DOT_H

#include <stdint.h>

#include "nn/inline.h"

typedef uint32_t (*ed_dot_product)(int32_t count, const int8_t *a, const int8_t *b, uint32_t sum);

/* sum + a[0] * b[0] + ..., modulo 2^32. */
ED_INLINE uint32_t ed_dot(int32_t count, const int8_t *a, const int8_t *b, uint32_t sum)
{
    for (int32_t i = 0; i < count; ++i) {
        sum += (uint32_t)(a[i] * b[i]);
    }
    return sum;
}

/* The same with a[i] + offset instead of a[i]. offset in [-128, 128]. */
typedef uint32_t (*ed_dot_offset_product)(int32_t count, const int8_t *a, int32_t offset,
                                          const int8_t *b, uint32_t sum);

ED_INLINE uint32_t ed_dot_offset(int32_t count, const int8_t *a, int32_t offset, const int8_t *b,
                                 uint32_t sum)
{
    for (int32_t i = 0; i < count; ++i) {
        sum += (uint32_t)((a[i] + offset) * b[i]);
    }
    return sum;
}

#endif
