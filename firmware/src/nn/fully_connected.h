/* Matrix times vector, int8, portable C99: the specification of FULLY_CONNECTED.
 *
 * input      [batches, inputs] int8
 * weights    [outputs, inputs] int8
 * bias       [outputs] int32, the input's zero point folded in
 * multiplier [outputs] or, where one scale serves all, [1] int32, 0 or in [2^30, 2^31)
 * shift      as many int8, in [-31, 31]
 * output     [batches, outputs] int8; not `input`
 */
#ifndef ED_NN_FULLY_CONNECTED_H
#define ED_NN_FULLY_CONNECTED_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t per_output;        /* 1: a multiplier and shift for each output; 0: one for all */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t multiplier; /* where one scale serves all outputs: what a caller may point to */
    int8_t shift;
} ed_fully_connected_shape;

ED_INLINE void ed_fully_connected(const ed_fully_connected_shape *s, const int8_t *input,
                                  const int8_t *weights, const int32_t *bias,
                                  const int32_t *multiplier, const int8_t *shift, int8_t *output)
{
    for (int32_t b = 0; b < s->batches; ++b) {
        const int8_t *row = weights;
        for (int32_t o = 0; o < s->outputs; ++o) {
            uint32_t sum = (uint32_t)bias[o];
            for (int32_t i = 0; i < s->inputs; ++i) {
                sum += (uint32_t)(input[i] * *row++);
            }
            const int32_t scale = s->per_output ? o : 0;
            *output++ = ed_requantize_int8((int32_t)sum, multiplier[scale], shift[scale],
                                           s->output_zero_point, s->lowest, s->highest);
        }
        input += s->inputs;
    }
}

#endif
