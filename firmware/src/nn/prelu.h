/* Parametric rectifier, int8, portable C99: the specification of PRELU. What is not below zero is
 * scaled, what is below is multiplied by alpha.
 *
 * first   int8, the input, of the output's size
 * second  int8, alpha, stretched as `broadcast` says
 * output  int8; may begin at or before an operand of its own size
 *
 * Source: tensorflow/lite/kernels/internal/reference/prelu.h.
 */
#ifndef ED_NN_PRELU_H
#define ED_NN_PRELU_H

#include <stdint.h>

#include "nn/broadcast.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    ed_broadcast_shape broadcast;
    int32_t zero_point[2];     /* of input and alpha, [-128, 127] */
    int32_t multiplier[2];     /* above zero, and below; 0 or in [2^30, 2^31) */
    int32_t shift[2];          /* [-31, 31] */
    int32_t output_zero_point; /* [-128, 127] */
} ed_prelu_shape;

ED_INLINE int8_t ed_prelu_one(const void *shape, int32_t first, int32_t second)
{
    const ed_prelu_shape *s = shape;
    const int32_t value = first - s->zero_point[0];
    const int32_t below = value < 0;
    const int32_t product = below ? value * (second - s->zero_point[1]) : value;
    return ed_requantize_int8(product, s->multiplier[below], s->shift[below], s->output_zero_point,
                              INT8_MIN, INT8_MAX);
}

ED_INLINE void ed_prelu(const ed_prelu_shape *s, const int8_t *first, const int8_t *second,
                        int8_t *output)
{
    ed_broadcast_each(&s->broadcast, first, second, output, ed_prelu_one, s);
}

#endif
