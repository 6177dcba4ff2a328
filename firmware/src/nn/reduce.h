/* Reductions over any dimensions, int8, portable C99: the specification of MEAN, SUM, REDUCE_MAX
 * and REDUCE_MIN.
 *
 * input   int8; the elements of one output are `kept` apart from those of another, and `reduced`
 *         apart from each other
 * output  int8, one for each kept index, in order; may begin at or before `input`
 *
 * The compiler has joined neighbouring dimensions, and filled up with sizes of 1 in front.
 * Source: tensorflow/lite/kernels/internal/reference/reduce.h.
 */
#ifndef ED_NN_REDUCE_H
#define ED_NN_REDUCE_H

#include <stdint.h>

#include "nn/index.h"
#include "nn/inline.h"
#include "nn/requantize.h"

/* Of eight dimensions at most, every other one is kept. */
#define ED_REDUCE_DIMENSIONS 4

typedef struct {
    int32_t kept_size[ED_REDUCE_DIMENSIONS], kept_step[ED_REDUCE_DIMENSIONS];
    int32_t reduced_size[ED_REDUCE_DIMENSIONS], reduced_step[ED_REDUCE_DIMENSIONS];
    int32_t offset;            /* added to every sum: -(input's zero point) * (values in it) */
    int32_t multiplier, shift; /* of sums; [0, 2^31), [-31, 31]; a mean's has its divisor in it */
    int32_t output_zero_point; /* [-128, 127] */
} ed_reduce_shape;

/* What becomes of the values so far with one more. */
typedef int32_t (*ed_reduce_step)(int32_t so_far, int32_t value);

/* The output of what all values became. */
typedef int8_t (*ed_reduce_end)(const ed_reduce_shape *s, int32_t all);

ED_INLINE int32_t ed_reduce_add(int32_t so_far, int32_t value)
{
    return so_far + value;
}

/* The reference's kernels for SUM take an int8 for a uint8, both where they read and where they
 * write. */
ED_INLINE int32_t ed_reduce_add_byte(int32_t so_far, int32_t value)
{
    return so_far + (value & 0xff);
}

ED_INLINE int32_t ed_reduce_greater(int32_t so_far, int32_t value)
{
    return value > so_far ? value : so_far;
}

ED_INLINE int32_t ed_reduce_lesser(int32_t so_far, int32_t value)
{
    return value < so_far ? value : so_far;
}

ED_INLINE int8_t ed_reduce_end_mean(const ed_reduce_shape *s, int32_t all)
{
    const int32_t sum = (int32_t)((uint32_t)all + (uint32_t)s->offset);
    return ed_requantize_int8(sum, s->multiplier, s->shift, s->output_zero_point, INT8_MIN,
                              INT8_MAX);
}

ED_INLINE int8_t ed_reduce_end_sum(const ed_reduce_shape *s, int32_t all)
{
    const int32_t sum = (int32_t)((uint32_t)all + (uint32_t)s->offset);
    const uint32_t scaled = (uint32_t)ed_requantize(sum, s->multiplier, s->shift);
    const int32_t byte =
        ed_requantize_clamp((int32_t)(scaled + (uint32_t)s->output_zero_point), 0, UINT8_MAX);
    return (int8_t)(byte > INT8_MAX ? byte - 256 : byte);
}

ED_INLINE int8_t ed_reduce_end_same(const ed_reduce_shape *s, int32_t all)
{
    (void)s;
    return (int8_t)all;
}

/* What the values of one output, whose first lies at `input`, become. */
ED_INLINE int32_t ed_reduce_all(const ed_reduce_shape *s, const int8_t *input, int32_t first,
                                ed_reduce_step step)
{
    const int32_t last = ED_REDUCE_DIMENSIONS - 1;
    const int32_t rows = ed_index_count(last, s->reduced_size);
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *at = input + ed_index_offset(last, s->reduced_size, s->reduced_step, row);
        for (int32_t i = 0; i < s->reduced_size[last]; ++i) {
            first = step(first, *at);
            at += s->reduced_step[last];
        }
    }
    return first;
}

ED_INLINE void ed_reduce_each(const ed_reduce_shape *s, const int8_t *input, int8_t *output,
                              int32_t first, ed_reduce_step step, ed_reduce_end end)
{
    const int32_t outputs = ed_index_count(ED_REDUCE_DIMENSIONS, s->kept_size);
    for (int32_t o = 0; o < outputs; ++o) {
        const int32_t at = ed_index_offset(ED_REDUCE_DIMENSIONS, s->kept_size, s->kept_step, o);
        output[o] = end(s, ed_reduce_all(s, input + at, first, step));
    }
}

ED_INLINE void ed_reduce_mean(const ed_reduce_shape *s, const int8_t *input, int8_t *output)
{
    ed_reduce_each(s, input, output, 0, ed_reduce_add, ed_reduce_end_mean);
}

ED_INLINE void ed_reduce_sum(const ed_reduce_shape *s, const int8_t *input, int8_t *output)
{
    ed_reduce_each(s, input, output, 0, ed_reduce_add_byte, ed_reduce_end_sum);
}

ED_INLINE void ed_reduce_max(const ed_reduce_shape *s, const int8_t *input, int8_t *output)
{
    ed_reduce_each(s, input, output, INT8_MIN, ed_reduce_greater, ed_reduce_end_same);
}

ED_INLINE void ed_reduce_min(const ed_reduce_shape *s, const int8_t *input, int8_t *output)
{
    ed_reduce_each(s, input, output, INT8_MAX, ed_reduce_lesser, ed_reduce_end_same);
}

#endif
