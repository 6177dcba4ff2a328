/* Product of two int8 operands, portable C99: the specification of MUL.
 *
 * first, second  int8, stretched as `broadcast` says
 * output         int8; may begin at or before an operand of its own size
 *
 * Source: tensorflow/lite/kernels/internal/reference/integer_ops/mul.h.
 */
#ifndef ED_NN_MUL_H
#define ED_NN_MUL_H

#include <stdint.h>

#include "nn/broadcast.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    ed_broadcast_shape broadcast;
    int32_t zero_point[2];     /* [-128, 127] */
    int32_t multiplier;        /* 0 or in [2^30, 2^31) */
    int32_t shift;             /* [-31, 31] */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
} ed_mul_shape;

ED_INLINE int8_t ed_mul_one(const void *shape, int32_t first, int32_t second)
{
    const ed_mul_shape *s = shape;
    const int32_t product = (first - s->zero_point[0]) * (second - s->zero_point[1]);
    return ed_requantize_int8(product, s->multiplier, s->shift, s->output_zero_point, s->lowest,
                              s->highest);
}

ED_INLINE void ed_mul(const ed_mul_shape *s, const int8_t *first, const int8_t *second,
                      int8_t *output)
{
    ed_broadcast_each(&s->broadcast, first, second, output, ed_mul_one, s);
}

#endif
