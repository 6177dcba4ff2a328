/* Runs picked along each dimension by tables, any type, portable C99: what is mirrored, resized or
 * gathered by indices that are known before.
 *
 * from    bytes of the source, from its beginning
 * to      bytes of the output, whose runs follow each other
 * offsets for each axis, outermost first: where each of its indices is read, in bytes; a run is
 *         read at the sum of the axes' offsets
 */
#ifndef ED_NN_PICKED_H
#define ED_NN_PICKED_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/inline.h"

#define ED_PICKED_AXES 6

typedef struct {
    int32_t run;                  /* bytes at each step */
    int32_t size[ED_PICKED_AXES]; /* indices of each axis, at least 1 */
} ed_picked_shape;

/* Calls `copy` for every run, in order. */
ED_INLINE void ed_picked_each(const ed_picked_shape *s, const int8_t *from, int8_t *to,
                              const int32_t *offsets,
                              void (*copy)(int32_t, const int8_t *, int8_t *))
{
    int32_t at[ED_PICKED_AXES - 1] = {0};
    int32_t d;
    do {
        const int32_t *table = offsets;
        int32_t read = 0;
        for (d = 0; d < ED_PICKED_AXES - 1; ++d) {
            read += table[at[d]];
            table += s->size[d];
        }
        for (int32_t i = 0; i < s->size[ED_PICKED_AXES - 1]; ++i) {
            copy(s->run, from + read + table[i], to);
            to += s->run;
        }
        /* The next index of the innermost other axis that has one; those inside it begin again. */
        for (d = ED_PICKED_AXES - 2; d >= 0; --d) {
            if (++at[d] < s->size[d]) {
                break;
            }
            at[d] = 0;
        }
    } while (d >= 0);
}

ED_INLINE void ed_picked_copy(const ed_picked_shape *s, const int8_t *from, int8_t *to,
                              const int32_t *offsets)
{
    ed_picked_each(s, from, to, offsets, ed_copy);
}

#endif
