/* Products of matrices, int8, Cortex-M4. The same outputs as nn/batch_matmul.h.
 *
 * One operand has its depth dense in memory: its `lines` are read as they are. Of the other, two
 * `columns` at a time are widened to int16, their zero point taken off, and multiplied by all
 * lines. Which operand is which, the compiler chooses.
 *
 * lines, columns  int8, at any address
 * output          int8, where its steps say
 * scratch         ED_M4_BATCH_MATMUL_BYTES(depth) bytes
 */
#ifndef ED_NN_M4_BATCH_MATMUL_H
#define ED_NN_M4_BATCH_MATMUL_H

#include <stdint.h>

#include "nn/index.h"
#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"

#define ED_M4_BATCH_MATMUL_DIMENSIONS 3 /* of the batches */
#define ED_M4_BATCH_MATMUL_BYTES(depth) (((depth) + 3) / 4 * 16)

typedef struct {
    int32_t size[ED_M4_BATCH_MATMUL_DIMENSIONS];
    int32_t step[2][ED_M4_BATCH_MATMUL_DIMENSIONS]; /* elements, of lines and columns */
    int32_t lines, depth, columns;
    int32_t line_step, column_step, column_depth_step; /* elements */
    int32_t output_line_step, output_column_step;      /* elements */
    uint32_t line_offset;      /* the negated zero point of lines, in each half of a pair */
    int32_t column_zero_point; /* [-128, 127] */
    int32_t multiplier, shift; /* 0 or in [2^30, 2^31); [-31, 31] */
    int32_t output_zero_point; /* [-128, 127] */
} ed_m4_batch_matmul_shape;

/* Up to two columns from `column` on: for each four of their depth the pairs (k, k+2) and
 * (k+1, k+3) of the one, then of the other; zeros where there is no column or no more depth. */
ED_INLINE void ed_m4_batch_matmul_widen(const ed_m4_batch_matmul_shape *s, const int8_t *column,
                                        int32_t count, uint32_t *scratch)
{
    ed_dsp_half *to = (ed_dsp_half *)scratch;
    const int32_t end = (s->depth + 3) / 4 * 4;
    for (int32_t k = 0; k < end; ++k) {
        ed_dsp_half *at = to + k / 4 * 8 + k % 2 * 2 + k % 4 / 2;
        for (int32_t c = 0; c < 2; ++c) {
            const int8_t *from = column + c * s->column_step + k * s->column_depth_step;
            const int there = c < count && k < s->depth;
            at[4 * c] = (ed_dsp_half)(there ? *from - s->column_zero_point : 0);
        }
    }
}

typedef struct {
    uint32_t column[2];
} ed_m4_batch_matmul_sums;

/* The sums with four of a line's depth. */
ED_INLINE ed_m4_batch_matmul_sums ed_m4_batch_matmul_step(ed_m4_batch_matmul_sums sums,
                                                          uint32_t offset, uint32_t four,
                                                          const uint32_t *wide)
{
    const uint32_t even = ed_dsp_sxtab16(offset, four);
    const uint32_t odd = ed_dsp_sxtab16_odd(offset, four);
    sums.column[0] = ed_dsp_smlad(even, wide[0], sums.column[0]);
    sums.column[1] = ed_dsp_smlad(even, wide[2], sums.column[1]);
    sums.column[0] = ed_dsp_smlad(odd, wide[1], sums.column[0]);
    sums.column[1] = ed_dsp_smlad(odd, wide[3], sums.column[1]);
    return sums;
}

/* The sums of one line and two columns. */
ED_INLINE ed_m4_batch_matmul_sums ed_m4_batch_matmul_dot(const ed_m4_batch_matmul_shape *s,
                                                         const int8_t *line, const uint32_t *wide)
{
    ed_m4_batch_matmul_sums sums = {{0, 0}};
    const uint32_t offset = s->line_offset;
    const int8_t *const end = line + s->depth / 4 * 4;
    for (; line < end; line += 4) {
        sums = ed_m4_batch_matmul_step(sums, offset, ed_dsp_load(line), wide);
        wide += 4;
    }
    if (s->depth % 4 != 0) {
        const uint32_t some = ed_m4_quads_load_some(line, s->depth % 4);
        sums = ed_m4_batch_matmul_step(sums, offset, some, wide);
    }
    return sums;
}

/* quick: see ed_dsp_scale. */
ED_INLINE void ed_m4_batch_matmul(const ed_m4_batch_matmul_shape *s, const int8_t *lines,
                                  const int8_t *columns, int8_t *output, uint32_t *scratch,
                                  int32_t quick)
{
    const ed_dsp_scale scale = {s->output_zero_point, INT8_MIN, INT8_MAX, quick, 0};
    const ed_dsp_channel channel = ed_dsp_prepare(&scale, s->multiplier, s->shift);
    const int32_t batches = ed_index_count(ED_M4_BATCH_MATMUL_DIMENSIONS, s->size);
    for (int32_t n = 0; n < batches; ++n) {
        const int8_t *first_line =
            lines + ed_index_offset(ED_M4_BATCH_MATMUL_DIMENSIONS, s->size, s->step[0], n);
        const int8_t *column =
            columns + ed_index_offset(ED_M4_BATCH_MATMUL_DIMENSIONS, s->size, s->step[1], n);
        for (int32_t c = 0; c < s->columns; c += 2) {
            const int32_t count = s->columns - c < 2 ? 1 : 2;
            ed_m4_batch_matmul_widen(s, column + c * s->column_step, count, scratch);
            const int8_t *line = first_line;
            int8_t *to = output + c * s->output_column_step;
            for (int32_t l = 0; l < s->lines; ++l) {
                const ed_m4_batch_matmul_sums sums = ed_m4_batch_matmul_dot(s, line, scratch);
                for (int32_t i = 0; i < count; ++i) {
                    to[i * s->output_column_step] =
                        (int8_t)ed_dsp_requantize(&scale, channel, sums.column[i]);
                }
                line += s->line_step;
                to += s->output_line_step;
            }
        }
        output += s->lines * s->columns;
    }
}

#endif
