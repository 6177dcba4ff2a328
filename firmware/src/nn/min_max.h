/* The lesser and the greater of two int8 operands, portable C99: the specification of MINIMUM and
 * MAXIMUM. Values are compared as they are: the reference knows no scales here.
 *
 * first, second  int8, stretched as the shape says
 * output         int8; may begin at or before an operand of its own size
 */
#ifndef ED_NN_MIN_MAX_H
#define ED_NN_MIN_MAX_H

#include <stdint.h>

#include "nn/broadcast.h"
#include "nn/inline.h"

typedef struct {
    ed_broadcast_shape broadcast;
} ed_min_max_shape;

ED_INLINE int8_t ed_min_max_lesser(const void *shape, int32_t first, int32_t second)
{
    (void)shape;
    return (int8_t)(first < second ? first : second);
}

ED_INLINE int8_t ed_min_max_greater(const void *shape, int32_t first, int32_t second)
{
    (void)shape;
    return (int8_t)(first > second ? first : second);
}

ED_INLINE void ed_minimum(const ed_min_max_shape *s, const int8_t *first, const int8_t *second,
                          int8_t *output)
{
    ed_broadcast_each(&s->broadcast, first, second, output, ed_min_max_lesser, s);
}

ED_INLINE void ed_maximum(const ed_min_max_shape *s, const int8_t *first, const int8_t *second,
                          int8_t *output)
{
    ed_broadcast_each(&s->broadcast, first, second, output, ed_min_max_greater, s);
}

#endif
