/* A fully connected layer over time, of low rank, int8: the specification of SVDF.
 *
 * input        [batches, inputs] int8
 * state        [batches, units * rank, memory] int16: what each filter made of the last `memory`
 *              inputs, the newest last; lives from one inference to the next
 * output       [batches, units] int8; not `input`
 * feature      [units * rank, inputs] int8
 * feature_bias [units * rank] int32: -input_zero_point * sum of the filter's weights
 * time         [units * rank, memory] int16
 * bias         [units] int32
 *
 * Each filter takes the input to one number, which joins its memory; the memory times its weights
 * over time, summed over the `rank` filters of a unit, is the output. Sums wrap at 32 bits.
 * Source: reference/svdf.h, EvalIntegerSVDF.
 */
#ifndef ED_NN_SVDF_H
#define ED_NN_SVDF_H

#include <stdint.h>

#include "nn/dot.h"
#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t batches, inputs, units, rank, memory;
    int32_t feature_multiplier, feature_shift; /* to the state's steps */
    int32_t multiplier, shift;                 /* to the output's */
    int32_t output_zero_point;                 /* [-128, 127] */
} ed_svdf_shape;

/* Let a filter forget its oldest number and take the newest; returns its sum over time. */
ED_INLINE uint32_t ed_svdf_filter(const ed_svdf_shape *s, ed_dot_product dot, const int8_t *input,
                                  int16_t *state, const int8_t *feature, int32_t feature_bias,
                                  const int16_t *time)
{
    const uint32_t newest = dot(s->inputs, input, feature, (uint32_t)feature_bias);
    const int32_t scaled = ed_requantize((int32_t)newest, s->feature_multiplier, s->feature_shift);
    uint32_t sum = 0;
    for (int32_t t = 0; t < s->memory; ++t) {
        const int last = t == s->memory - 1;
        state[t] = last ? (int16_t)ed_requantize_clamp(scaled, INT16_MIN, INT16_MAX) : state[t + 1];
        sum += (uint32_t)(state[t] * time[t]);
    }
    return sum;
}

ED_INLINE void ed_svdf(const ed_svdf_shape *s, ed_dot_product dot, const int8_t *input,
                       int16_t *state, int8_t *output, const int8_t *feature,
                       const int32_t *feature_bias, const int16_t *time, const int32_t *bias)
{
    for (int32_t b = 0; b < s->batches; ++b) {
        int32_t f = 0;
        for (int32_t u = 0; u < s->units; ++u) {
            uint32_t sum = (uint32_t)bias[u];
            for (int32_t r = 0; r < s->rank; ++r, ++f) {
                sum += ed_svdf_filter(s, dot, input, state, feature + f * s->inputs,
                                      feature_bias[f], time + f * s->memory);
                state += s->memory;
            }
            *output++ = ed_requantize_int8((int32_t)sum, s->multiplier, s->shift,
                                           s->output_zero_point, INT8_MIN, INT8_MAX);
        }
        input += s->inputs;
    }
}

#endif
