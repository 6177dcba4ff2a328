/* Matrix times vector, int8, Cortex-M4. The same outputs as nn/fully_connected.h.
 *
 * Four rows at a time; the input is widened in registers, once for all four. One function serves
 * all layers of a kind, whatever their sizes: nearly all time goes into a loop in assembly.
 *
 * weights    for each block of four rows: [inputs / 4][4] words, for each four taps k those of rows
 *            0 and 1 (taps k and k+2, then k+1 and k+3, as nn/m4/conv.h describes), then those of
 *            rows 2 and 3; then [inputs % 4][4] bytes, the taps left over of the four rows. After
 *            the blocks, the outputs % 4 rows left over as [inputs] bytes each.
 * multiplier, shift  [outputs], or [1] where one scale serves all
 * output     not `input`
 */
#ifndef ED_NN_M4_FULLY_CONNECTED_H
#define ED_NN_M4_FULLY_CONNECTED_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

#define ED_M4_FULLY_CONNECTED_ROWS 4

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t multiplier;        /* where one scale serves all outputs: what a caller may point to */
    int8_t shift;
} ed_m4_fully_connected_shape;

/* What the C compiler is to know of a layer. */
typedef struct {
    int32_t per_output; /* 1: a multiplier and shift for each output; 0: one for all */
    int32_t clamped;    /* 0: lowest and highest are those of an int8 */
    int32_t quick;      /* see ed_dsp_scale */
    int32_t paired;     /* how two rows share a weight, see nn/m4/conv.h */
} ed_m4_fully_connected_kind;

/* Four taps of four rows, paired: five loads, six SXTB16, eight SMLAD. */
#define ED_M4_FC_PAIR(word, even, odd, x)                           \
    "smlad %[" #odd "], %[" #word "], %[" #x "], %[" #odd "]\n\t"   \
    "sxtb16 %[" #word "], %[" #word "]\n\t"                         \
    "smlad %[" #even "], %[" #word "], %[" #x "], %[" #even "]\n\t"
#define ED_M4_FC_PAIRED(n)                                          \
    "ldr %[p], [%[x], #4*" #n "]\n\t"                               \
    "ldr %[a], [%[w], #16*" #n "]\n\t"                              \
    "ldr %[b], [%[w], #16*" #n "+4]\n\t"                            \
    "ldr %[c], [%[w], #16*" #n "+8]\n\t"                            \
    "ldr %[d], [%[w], #16*" #n "+12]\n\t"                           \
    "sxtb16 %[q], %[p], ror #8\n\t"                                 \
    "sxtb16 %[p], %[p]\n\t"                                         \
    ED_M4_FC_PAIR(a, s0, s1, p)                                     \
    ED_M4_FC_PAIR(b, s0, s1, q)                                     \
    ED_M4_FC_PAIR(c, s2, s3, p)                                     \
    ED_M4_FC_PAIR(d, s2, s3, q)

/* The same where each row has a byte of its own: ten SXTB16. */
#define ED_M4_FC_TWO(word, even, odd, x)                            \
    "sxtb16 %[d], %[" #word "]\n\t"                                 \
    "sxtb16 %[" #word "], %[" #word "], ror #8\n\t"                 \
    "smlad %[" #even "], %[d], %[" #x "], %[" #even "]\n\t"         \
    "smlad %[" #odd "], %[" #word "], %[" #x "], %[" #odd "]\n\t"
#define ED_M4_FC_BYTES(n)                                           \
    "ldr %[p], [%[x], #4*" #n "]\n\t"                               \
    "ldr %[a], [%[w], #16*" #n "]\n\t"                              \
    "ldr %[b], [%[w], #16*" #n "+4]\n\t"                            \
    "ldr %[c], [%[w], #16*" #n "+8]\n\t"                            \
    "sxtb16 %[q], %[p], ror #8\n\t"                                 \
    "sxtb16 %[p], %[p]\n\t"                                         \
    ED_M4_FC_TWO(a, s0, s1, p)                                      \
    "ldr %[a], [%[w], #16*" #n "+12]\n\t"                           \
    ED_M4_FC_TWO(b, s0, s1, q)                                      \
    ED_M4_FC_TWO(c, s2, s3, p)                                      \
    ED_M4_FC_TWO(a, s2, s3, q)

/* A whole loop, `steps` times four taps to a round, until %[x] is `last`. */
#define ED_M4_FC_FOUR(step) step(0) step(1) step(2) step(3)
#define ED_M4_FC_LOOP(body, steps, last)                                                    \
    __asm__ volatile("1:\n\t" body                                                          \
                     "add %[w], %[w], #16*" #steps "\n\t"                                   \
                     "add %[x], %[x], #4*" #steps "\n\t"                                   \
                     "cmp %[x], %[end]\n\t"                                                 \
                     "bne 1b\n\t"                                                           \
                     : [w] "+r"(w), [x] "+r"(x), [s0] "+r"(s0), [s1] "+r"(s1),              \
                       [s2] "+r"(s2), [s3] "+r"(s3), [a] "=&r"(a), [b] "=&r"(b),            \
                       [c] "=&r"(c), [d] "=&r"(d), [p] "=&r"(p), [q] "=&r"(q)               \
                     : [end] "r"(last)                                                      \
                     : "cc", "memory")

typedef struct {
    uint32_t row[ED_M4_FULLY_CONNECTED_ROWS];
} ed_m4_fully_connected_sums;

/* The sums of a block of four rows. x at any address; *words moves on to the next block. */
ED_INLINE ed_m4_fully_connected_sums ed_m4_fully_connected_block(int32_t inputs, int32_t paired,
                                                                 const uint32_t **words,
                                                                 const int8_t *x)
{
    const uint32_t *w = *words;
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    uint32_t a, b, c, d, p, q;
    const int8_t *const sixteens_end = x + (inputs & ~15);
    const int8_t *const fours_end = x + (inputs & ~3);
    if (x != sixteens_end) {
        if (paired) {
            ED_M4_FC_LOOP(ED_M4_FC_FOUR(ED_M4_FC_PAIRED), 4, sixteens_end);
        } else {
            ED_M4_FC_LOOP(ED_M4_FC_FOUR(ED_M4_FC_BYTES), 4, sixteens_end);
        }
    }
    if (x != fours_end) {
        if (paired) {
            ED_M4_FC_LOOP(ED_M4_FC_PAIRED(0), 1, fours_end);
        } else {
            ED_M4_FC_LOOP(ED_M4_FC_BYTES(0), 1, fours_end);
        }
    }
    if (paired) { /* s1 is 256 * (row 1) + (row 0), s3 likewise */
        s1 = (uint32_t)((int32_t)(s1 - s0) >> 8);
        s3 = (uint32_t)((int32_t)(s3 - s2) >> 8);
    }
    for (int32_t rest = inputs & 3; rest > 0; --rest) {
        const int8_t *four_rows = (const int8_t *)(w++);
        const int32_t tap = *x++;
        s0 += (uint32_t)(tap * four_rows[0]);
        s1 += (uint32_t)(tap * four_rows[1]);
        s2 += (uint32_t)(tap * four_rows[2]);
        s3 += (uint32_t)(tap * four_rows[3]);
    }
    *words = w;
    const ed_m4_fully_connected_sums sums = {{s0, s1, s2, s3}};
    return sums;
}

/* The sum of one row, its weights as they are. */
ED_INLINE uint32_t ed_m4_fully_connected_row(int32_t inputs, const int8_t *row, const int8_t *x)
{
    uint32_t sum = 0;
    int32_t i = 0;
    for (; i + 4 <= inputs; i += 4) {
        const uint32_t taps = ed_dsp_load(x + i);
        const uint32_t w = ed_dsp_load(row + i);
        sum = ed_dsp_smlad(ed_dsp_sxtb16(taps), ed_dsp_sxtb16(w), sum);
        sum = ed_dsp_smlad(ed_dsp_sxtb16_odd(taps), ed_dsp_sxtb16_odd(w), sum);
    }
    for (; i < inputs; ++i) {
        sum += (uint32_t)(x[i] * row[i]);
    }
    return sum;
}

/* The output of a sum. `one` is how all outputs are scaled, unless each has a scale of its own. */
ED_INLINE int8_t ed_m4_fully_connected_output(const ed_dsp_scale *scale,
                                              ed_m4_fully_connected_kind kind, ed_dsp_channel one,
                                              const int32_t *multiplier, const int8_t *shift,
                                              uint32_t sum)
{
    const ed_dsp_channel c = kind.per_output ? ed_dsp_prepare(scale, *multiplier, *shift) : one;
    return (int8_t)ed_dsp_requantize(scale, c, sum);
}

ED_INLINE void ed_m4_fully_connected(const ed_m4_fully_connected_shape *s,
                                     ed_m4_fully_connected_kind kind, const int8_t *input,
                                     const uint32_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift,
                                     int8_t *output)
{
    const ed_dsp_scale scale = {s->output_zero_point, kind.clamped ? s->lowest : INT8_MIN,
                                kind.clamped ? s->highest : INT8_MAX, kind.quick, 0};
    const ed_dsp_channel one = ed_dsp_prepare(&scale, *multiplier, *shift);
    const int32_t inputs = s->inputs;
    const int32_t outputs = s->outputs;
    const int32_t blocked = outputs - outputs % ED_M4_FULLY_CONNECTED_ROWS;
    for (int32_t batch = s->batches; batch > 0; --batch) {
        const uint32_t *words = weights;
        for (int32_t o = 0; o < blocked; o += ED_M4_FULLY_CONNECTED_ROWS) {
            const int32_t *const m = multiplier + o;
            const int8_t *const t = shift + o;
            const ed_m4_fully_connected_sums sums =
                ed_m4_fully_connected_block(inputs, kind.paired, &words, input);
            const uint32_t b0 = (uint32_t)bias[o], b1 = (uint32_t)bias[o + 1];
            const uint32_t b2 = (uint32_t)bias[o + 2], b3 = (uint32_t)bias[o + 3];
            int8_t *const y = output + o;
            y[0] = ed_m4_fully_connected_output(&scale, kind, one, m, t, sums.row[0] + b0);
            y[1] = ed_m4_fully_connected_output(&scale, kind, one, m + 1, t + 1, sums.row[1] + b1);
            y[2] = ed_m4_fully_connected_output(&scale, kind, one, m + 2, t + 2, sums.row[2] + b2);
            y[3] = ed_m4_fully_connected_output(&scale, kind, one, m + 3, t + 3, sums.row[3] + b3);
        }
        const int8_t *row = (const int8_t *)words;
        for (int32_t o = blocked; o < outputs; ++o) {
            const uint32_t sum = ed_m4_fully_connected_row(inputs, row, input);
            output[o] = ed_m4_fully_connected_output(&scale, kind, one, multiplier + o, shift + o,
                                                     sum + (uint32_t)bias[o]);
            row += inputs;
        }
        input += inputs;
        output += outputs;
    }
}

#endif
