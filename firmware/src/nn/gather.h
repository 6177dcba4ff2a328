/* GATHER by indices that are computed, any type, portable C99.
 *
 * from    [batches, outer, size, run] bytes
 * indices [batches, count] int32, `step` words apart: of an int64 the low word comes first
 * to      [batches, outer, count, run] bytes
 *
 * An index below 0 counts as 0 and one from `size` on as the last: there is nothing else to read.
 */
#ifndef ED_NN_GATHER_H
#define ED_NN_GATHER_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/inline.h"

typedef struct {
    int32_t batches, outer, size, count;
    int32_t run;  /* bytes */
    int32_t step; /* words of an index: 1 or 2 */
} ed_gather_shape;

/* An index that exists. */
ED_INLINE int32_t ed_gather_index(const ed_gather_shape *s, const int32_t *words)
{
    const int32_t low = words[0];
    const int32_t high = s->step == 2 ? words[1] : (low < 0 ? -1 : 0);
    if (high < 0) {
        return 0;
    }
    return high > 0 || low < 0 || low >= s->size ? s->size - 1 : low;
}

ED_INLINE void ed_gather(const ed_gather_shape *s, const int8_t *from, const int32_t *indices,
                         int8_t *to)
{
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t o = 0; o < s->outer; ++o) {
            for (int32_t i = 0; i < s->count; ++i) {
                const int32_t index = ed_gather_index(s, indices + i * s->step);
                ed_copy(s->run, from + index * s->run, to);
                to += s->run;
            }
            from += s->size * s->run;
        }
        indices += s->count * s->step;
    }
}

#endif
