/* Square of the difference of two int8 operands, portable C99: the specification of
 * SQUARED_DIFFERENCE.
 *
 * first, second  int8, stretched as `broadcast` says
 * output         int8; may begin at or before an operand of its own size
 *
 * Both operands are brought to one scale, twice the larger of theirs, with 7 bits below the
 * point: a difference then has 16 bits, and its square fits a word.
 * Source: tensorflow/lite/kernels/squared_difference.cc.
 */
#ifndef ED_NN_SQUARED_DIFFERENCE_H
#define ED_NN_SQUARED_DIFFERENCE_H

#include <stdint.h>

#include "nn/broadcast.h"
#include "nn/inline.h"
#include "nn/requantize.h"

#define ED_SQUARED_DIFFERENCE_FRACTION_BITS 7

typedef struct {
    ed_broadcast_shape broadcast;
    int32_t zero_point[2];     /* [-128, 127] */
    int32_t multiplier[2];     /* 0 or in [2^30, 2^31) */
    int32_t shift[2];          /* [-31, 0] */
    int32_t output_multiplier; /* 0 or in [2^30, 2^31) */
    int32_t output_shift;      /* [-31, 0] */
    int32_t output_zero_point; /* [-128, 127] */
} ed_squared_difference_shape;

/* One operand's value on the common scale. */
ED_INLINE int32_t ed_squared_difference_scaled(const ed_squared_difference_shape *s,
                                               int32_t operand, int32_t value)
{
    const int32_t raised =
        (value - s->zero_point[operand]) * (1 << ED_SQUARED_DIFFERENCE_FRACTION_BITS);
    return ed_requantize(raised, s->multiplier[operand], s->shift[operand]);
}

ED_INLINE int8_t ed_squared_difference_one(const void *shape, int32_t first, int32_t second)
{
    const ed_squared_difference_shape *s = shape;
    const int32_t difference =
        ed_squared_difference_scaled(s, 0, first) - ed_squared_difference_scaled(s, 1, second);
    return ed_requantize_int8(difference * difference, s->output_multiplier, s->output_shift,
                              s->output_zero_point, INT8_MIN, INT8_MAX);
}

ED_INLINE void ed_squared_difference(const ed_squared_difference_shape *s, const int8_t *first,
                                     const int8_t *second, int8_t *output)
{
    ed_broadcast_each(&s->broadcast, first, second, output, ed_squared_difference_one, s);
}

#endif
