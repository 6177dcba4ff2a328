/* Where along one dimension the greatest or the least int8 is, the first of equals, portable C99:
 * the specification of ARG_MAX and ARG_MIN.
 *
 * input   [outer, size, inner] int8
 * output  [outer, inner] int32, or int64 as two words, the lower first
 */
#ifndef ED_NN_ARG_MIN_MAX_H
#define ED_NN_ARG_MIN_MAX_H

#include <stdint.h>

#include "nn/inline.h"

typedef struct {
    int32_t outer, size, inner;
} ed_arg_min_max_shape;

/* sign: 1 for the greatest, -1 for the least. */
ED_INLINE int32_t ed_arg_min_max_one(const ed_arg_min_max_shape *s, const int8_t *input,
                                     int32_t sign)
{
    int32_t best = 0;
    for (int32_t i = 1; i < s->size; ++i) {
        if (sign * input[i * s->inner] > sign * input[best * s->inner]) {
            best = i;
        }
    }
    return best;
}

ED_INLINE void ed_arg_min_max(const ed_arg_min_max_shape *s, const int8_t *input, int32_t *output,
                              int32_t sign)
{
    for (int32_t o = 0; o < s->outer; ++o) {
        for (int32_t i = 0; i < s->inner; ++i) {
            *output++ = ed_arg_min_max_one(s, input + i, sign);
        }
        input += s->size * s->inner;
    }
}

ED_INLINE void ed_arg_min_max_wide(const ed_arg_min_max_shape *s, const int8_t *input,
                                   uint32_t *output, int32_t sign)
{
    for (int32_t o = 0; o < s->outer; ++o) {
        for (int32_t i = 0; i < s->inner; ++i) {
            *output++ = (uint32_t)ed_arg_min_max_one(s, input + i, sign);
            *output++ = 0;
        }
        input += s->size * s->inner;
    }
}

#endif
