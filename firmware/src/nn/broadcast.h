/* Two int8 operands stretched over an output, by NumPy's rules: what every operator of two operands
 * shares.
 *
 * Dimensions are those of the output, outermost first; the compiler has joined neighbours and
 * filled up with sizes of 1 in front. An operand that has size 1 where the output has more is the
 * same again there: its step is 0.
 */
#ifndef ED_NN_BROADCAST_H
#define ED_NN_BROADCAST_H

#include <stdint.h>

#include "nn/index.h"
#include "nn/inline.h"

#define ED_BROADCAST_DIMENSIONS 6

typedef struct {
    int32_t size[ED_BROADCAST_DIMENSIONS];
    int32_t step[2][ED_BROADCAST_DIMENSIONS]; /* elements of each operand; the last is 0 or 1 */
} ed_broadcast_shape;

/* How many rows the output has: all dimensions but the last. */
ED_INLINE int32_t ed_broadcast_rows(const ed_broadcast_shape *s)
{
    return ed_index_count(ED_BROADCAST_DIMENSIONS - 1, s->size);
}

/* Where in an operand (0 or 1) the output's row begins, in elements. */
ED_INLINE int32_t ed_broadcast_row(const ed_broadcast_shape *s, int32_t operand, int32_t row)
{
    return ed_index_offset(ED_BROADCAST_DIMENSIONS - 1, s->size, s->step[operand], row);
}

/* One output from a value of each operand. shape: the operator's own. */
typedef int8_t (*ed_broadcast_one)(const void *shape, int32_t first, int32_t second);

/* Calls `one` for every output, in order; an operand of the output's own size is read in order
 * too, each value before the output of its place is written. */
ED_INLINE void ed_broadcast_each(const ed_broadcast_shape *s, const int8_t *first,
                                 const int8_t *second, int8_t *output, ed_broadcast_one one,
                                 const void *shape)
{
    const int32_t last = ED_BROADCAST_DIMENSIONS - 1;
    const int32_t rows = ed_broadcast_rows(s);
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *a = first + ed_broadcast_row(s, 0, row);
        const int8_t *b = second + ed_broadcast_row(s, 1, row);
        for (int32_t i = 0; i < s->size[last]; ++i) {
            *output++ = one(shape, *a, *b);
            a += s->step[0][last];
            b += s->step[1][last];
        }
    }
}

#endif
