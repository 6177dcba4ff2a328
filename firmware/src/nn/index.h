/* Where the n-th element lies of what is strewn over memory by sizes and steps. */
#ifndef ED_NN_INDEX_H
#define ED_NN_INDEX_H

#include <stdint.h>

#include "nn/inline.h"

/* size, step  [dimensions], outermost first; index in [0, product of the sizes). */
ED_INLINE int32_t ed_index_offset(int32_t dimensions, const int32_t *size, const int32_t *step,
                                  int32_t index)
{
    int32_t at = 0;
    for (int32_t d = dimensions - 1; index > 0; --d) {
        at += index % size[d] * step[d];
        index /= size[d];
    }
    return at;
}

/* How many elements there are. */
ED_INLINE int32_t ed_index_count(int32_t dimensions, const int32_t *size)
{
    int32_t count = 1;
    for (int32_t d = 0; d < dimensions; ++d) {
        count *= size[d];
    }
    return count;
}

#endif
