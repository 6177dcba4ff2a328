/* Means and extremes, int8, Cortex-M4. The same outputs as nn/reduce.h; four values at a time.
 *
 * input, output  at any address; output may begin at or before `input`
 */
#ifndef ED_NN_M4_REDUCE_H
#define ED_NN_M4_REDUCE_H

#include <stdint.h>

#include "nn/index.h"
#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/reduce.h"

/* Sums of this many int8 fit 16 bits. */
#define ED_M4_REDUCE_SIXTEEN_BIT_VALUES 255

/* Sums of bytes 0 to 3 of many words. */
typedef struct {
    int32_t byte[4];
} ed_m4_reduce_sums;

/* count words, the next one `step` bytes on. */
ED_INLINE ed_m4_reduce_sums ed_m4_reduce_words(const int8_t *at, int32_t step, int32_t count)
{
    ed_m4_reduce_sums sums = {{0, 0, 0, 0}};
    while (count > 0) {
        const int32_t most = ED_M4_REDUCE_SIXTEEN_BIT_VALUES;
        const int32_t now = count < most ? count : most;
        uint32_t even = 0, odd = 0; /* pairs: bytes 0, 2 and 1, 3 */
        for (int32_t i = 0; i < now; ++i) {
            const uint32_t word = ed_dsp_load(at);
            even = ed_dsp_sxtab16(even, word);
            odd = ed_dsp_sxtab16_odd(odd, word);
            at += step;
        }
        sums.byte[0] += (int16_t)(even & 0xffffu);
        sums.byte[1] += (int16_t)(odd & 0xffffu);
        sums.byte[2] += (int32_t)even >> 16;
        sums.byte[3] += (int32_t)odd >> 16;
        count -= now;
    }
    return sums;
}

/* A mean where the innermost kept values lie beside each other, and what is reduced is one
 * dimension. */
ED_INLINE void ed_m4_reduce_mean_beside(const ed_reduce_shape *s, const int8_t *input,
                                        int8_t *output)
{
    const int32_t last = ED_REDUCE_DIMENSIONS - 1;
    const int32_t rows = ed_index_count(last, s->kept_size);
    const int32_t fours = s->kept_size[last] / 4 * 4;
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *at = input + ed_index_offset(last, s->kept_size, s->kept_step, row);
        int32_t i = 0;
        for (; i < fours; i += 4) {
            const ed_m4_reduce_sums sums =
                ed_m4_reduce_words(at + i, s->reduced_step[last], s->reduced_size[last]);
            for (int32_t b = 0; b < 4; ++b) {
                *output++ = ed_reduce_end_mean(s, sums.byte[b]);
            }
        }
        for (; i < s->kept_size[last]; ++i) {
            *output++ = ed_reduce_end_mean(s, ed_reduce_all(s, at + i, 0, ed_reduce_add));
        }
    }
}

/* A mean where the innermost values that are reduced lie beside each other. */
ED_INLINE void ed_m4_reduce_mean_along(const ed_reduce_shape *s, const int8_t *input,
                                       int8_t *output)
{
    const int32_t last = ED_REDUCE_DIMENSIONS - 1;
    const int32_t outputs = ed_index_count(ED_REDUCE_DIMENSIONS, s->kept_size);
    const int32_t rows = ed_index_count(last, s->reduced_size);
    const int32_t count = s->reduced_size[last];
    for (int32_t o = 0; o < outputs; ++o) {
        const int8_t *first =
            input + ed_index_offset(ED_REDUCE_DIMENSIONS, s->kept_size, s->kept_step, o);
        int32_t sum = 0;
        for (int32_t row = 0; row < rows; ++row) {
            const int8_t *at = first + ed_index_offset(last, s->reduced_size, s->reduced_step, row);
            const ed_m4_reduce_sums sums = ed_m4_reduce_words(at, 4, count / 4);
            sum += sums.byte[0] + sums.byte[1] + sums.byte[2] + sums.byte[3];
            for (int32_t i = count / 4 * 4; i < count; ++i) {
                sum += at[i];
            }
        }
        output[o] = ed_reduce_end_mean(s, sum);
    }
}

/* The greatest (sign 1) or the least (sign -1) of each byte of many words, one of them at least. */
ED_INLINE uint32_t ed_m4_reduce_extreme_words(const int8_t *at, int32_t step, int32_t count,
                                              int32_t sign)
{
    uint32_t best = ed_dsp_load(at);
    for (int32_t i = 1; i < count; ++i) {
        at += step;
        const uint32_t word = ed_dsp_load(at);
        best = sign > 0 ? ed_dsp_greater4(best, word) : ed_dsp_lesser4(best, word);
    }
    return best;
}

/* An extreme where the innermost kept values lie beside each other, and what is reduced is one
 * dimension. */
ED_INLINE void ed_m4_reduce_extreme_beside(const ed_reduce_shape *s, const int8_t *input,
                                           int8_t *output, int32_t sign)
{
    const int32_t last = ED_REDUCE_DIMENSIONS - 1;
    const int32_t rows = ed_index_count(last, s->kept_size);
    const int32_t fours = s->kept_size[last] / 4 * 4;
    const ed_reduce_step step = sign > 0 ? ed_reduce_greater : ed_reduce_lesser;
    const int32_t first = sign > 0 ? INT8_MIN : INT8_MAX;
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *at = input + ed_index_offset(last, s->kept_size, s->kept_step, row);
        int32_t i = 0;
        for (; i < fours; i += 4) {
            ed_dsp_store(output,
                         ed_m4_reduce_extreme_words(at + i, s->reduced_step[last],
                                                    s->reduced_size[last], sign));
            output += 4;
        }
        for (; i < s->kept_size[last]; ++i) {
            *output++ = (int8_t)ed_reduce_all(s, at + i, first, step);
        }
    }
}

ED_INLINE void ed_m4_reduce_max_beside(const ed_reduce_shape *s, const int8_t *input,
                                       int8_t *output)
{
    ed_m4_reduce_extreme_beside(s, input, output, 1);
}

ED_INLINE void ed_m4_reduce_min_beside(const ed_reduce_shape *s, const int8_t *input,
                                       int8_t *output)
{
    ed_m4_reduce_extreme_beside(s, input, output, -1);
}

#endif
