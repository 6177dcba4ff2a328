/* Products of matrices, int8, portable C99: the specification of BATCH_MATMUL.
 *
 * first   [.., rows, depth] or [.., depth, rows] int8
 * second  [.., depth, columns] or [.., columns, depth] int8
 * output  [batches, rows, columns] int8
 *
 * The batches of first and second are stretched over those of the output; the steps within a matrix
 * say which of its two dimensions comes first.
 * Source: tensorflow/lite/kernels/internal/reference/batch_matmul.h.
 */
#ifndef ED_NN_BATCH_MATMUL_H
#define ED_NN_BATCH_MATMUL_H

#include <stdint.h>

#include "nn/index.h"
#include "nn/inline.h"
#include "nn/requantize.h"

#define ED_BATCH_MATMUL_DIMENSIONS 3 /* of the batches */

typedef struct {
    int32_t size[ED_BATCH_MATMUL_DIMENSIONS];
    int32_t step[2][ED_BATCH_MATMUL_DIMENSIONS]; /* elements, of first and second */
    int32_t rows, depth, columns;
    int32_t row_step, first_depth_step;     /* elements */
    int32_t column_step, second_depth_step; /* elements */
    int32_t zero_point[2];                  /* [-128, 127] */
    int32_t multiplier, shift;              /* 0 or in [2^30, 2^31); [-31, 31] */
    int32_t output_zero_point;              /* [-128, 127] */
} ed_batch_matmul_shape;

/* The sum of one output, from its row and its column. Wraps at 32 bits. */
ED_INLINE int32_t ed_batch_matmul_dot(const ed_batch_matmul_shape *s, const int8_t *row,
                                      const int8_t *column)
{
    uint32_t sum = 0;
    for (int32_t k = 0; k < s->depth; ++k) {
        const int32_t a = row[k * s->first_depth_step] - s->zero_point[0];
        const int32_t b = column[k * s->second_depth_step] - s->zero_point[1];
        sum += (uint32_t)(a * b);
    }
    return (int32_t)sum;
}

ED_INLINE void ed_batch_matmul(const ed_batch_matmul_shape *s, const int8_t *first,
                               const int8_t *second, int8_t *output)
{
    const int32_t batches = ed_index_count(ED_BATCH_MATMUL_DIMENSIONS, s->size);
    for (int32_t n = 0; n < batches; ++n) {
        const int8_t *a =
            first + ed_index_offset(ED_BATCH_MATMUL_DIMENSIONS, s->size, s->step[0], n);
        const int8_t *b =
            second + ed_index_offset(ED_BATCH_MATMUL_DIMENSIONS, s->size, s->step[1], n);
        for (int32_t r = 0; r < s->rows; ++r) {
            for (int32_t c = 0; c < s->columns; ++c) {
                const int32_t sum =
                    ed_batch_matmul_dot(s, a + r * s->row_step, b + c * s->column_step);
                *output++ = ed_requantize_int8(sum, s->multiplier, s->shift, s->output_zero_point,
                                               INT8_MIN, INT8_MAX);
            }
        }
    }
}

#endif
