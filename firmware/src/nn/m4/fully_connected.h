/* Matrix times vector, int8, Cortex-M4. The same outputs as nn/fully_connected.h.
 *
 * Four rows at a time; the input is widened in registers, once for all four.
 *
 * weights    for each block of four rows: [inputs / 4][4] words, for each four taps k those of rows
 *            0 and 1 (taps k and k+2, then k+1 and k+3, as nn/m4/conv.h describes), then those of
 *            rows 2 and 3; then [inputs % 4][4] bytes, the taps left over of the four rows. After
 *            the blocks, the outputs % 4 rows left over as [inputs] bytes each.
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
    int32_t quick, rectified;  /* see ed_dsp_scale */
    int32_t paired;            /* how two rows share a weight, see nn/m4/conv.h */
} ed_m4_fully_connected_shape;

/* Four taps of four rows: five loads, six or ten SXTB16, eight SMLAD. */
#define ED_M4_FC_PAIR(word, even, odd, x, second)   \
    "sxtb16 %[t], %[" #word "]\n\t" second(word)    \
    "smlad %[" #even "], %[t], %[" #x "], %[" #even "]\n\t"         \
    "smlad %[" #odd "], %[" #word "], %[" #x "], %[" #odd "]\n\t"
#define ED_M4_FC_STEP(n, second)                \
    "ldr %[p], [%[x], #4*" #n "]\n\t"           \
    "ldr %[a], [%[w], #16*" #n "]\n\t"          \
    "ldr %[b], [%[w], #16*" #n "+4]\n\t"        \
    "sxtb16 %[q], %[p], ror #8\n\t"             \
    "sxtb16 %[p], %[p]\n\t"                     \
    ED_M4_FC_PAIR(a, s0, s1, p, second)         \
    ED_M4_FC_PAIR(b, s0, s1, q, second)         \
    "ldr %[a], [%[w], #16*" #n "+8]\n\t"        \
    "ldr %[b], [%[w], #16*" #n "+12]\n\t"       \
    ED_M4_FC_PAIR(a, s2, s3, p, second)         \
    ED_M4_FC_PAIR(b, s2, s3, q, second)
#define ED_M4_FC_PAIRED(word)
#define ED_M4_FC_BYTES(word) "sxtb16 %[" #word "], %[" #word "], ror #8\n\t"

#define ED_M4_FC_LOOP(body, steps, rounds)                                                  \
    __asm__ volatile("1:\n\t" body                                                          \
                     "add %[w], %[w], #16*" #steps "\n\t"                                   \
                     "add %[x], %[x], #4*" #steps "\n\t"                                    \
                     "subs %[n], %[n], #1\n\t"                                              \
                     "bne 1b\n\t"                                                           \
                     : [w] "+r"(w), [x] "+r"(x), [n] "+r"(rounds), [s0] "+r"(s0),           \
                       [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [a] "=&r"(a),           \
                       [b] "=&r"(b), [p] "=&r"(p), [q] "=&r"(q), [t] "=&r"(t)               \
                     :                                                                      \
                     : "cc", "memory")
#define ED_M4_FC_FOUR(second)                                                               \
    ED_M4_FC_STEP(0, second) ED_M4_FC_STEP(1, second) ED_M4_FC_STEP(2, second)              \
    ED_M4_FC_STEP(3, second)

typedef struct {
    uint32_t row[ED_M4_FULLY_CONNECTED_ROWS];
} ed_m4_fully_connected_sums;

/* The sums of four rows over the taps that come in fours. x at any address. */
ED_INLINE ed_m4_fully_connected_sums ed_m4_fully_connected_dot(int32_t fours, int32_t paired,
                                                               const uint32_t *w,
                                                               const int8_t *x)
{
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    uint32_t a, b, p, q, t;
    int32_t rounds = fours / 4;
    int32_t rest = fours % 4;
    if (fours >= 4) {
        if (paired) {
            ED_M4_FC_LOOP(ED_M4_FC_FOUR(ED_M4_FC_PAIRED), 4, rounds);
        } else {
            ED_M4_FC_LOOP(ED_M4_FC_FOUR(ED_M4_FC_BYTES), 4, rounds);
        }
    }
    if (fours % 4 != 0) {
        if (paired) {
            ED_M4_FC_LOOP(ED_M4_FC_STEP(0, ED_M4_FC_PAIRED), 1, rest);
        } else {
            ED_M4_FC_LOOP(ED_M4_FC_STEP(0, ED_M4_FC_BYTES), 1, rest);
        }
    }
    if (paired) { /* s1 is 256 * (row 1) + (row 0), s3 likewise */
        s1 = (uint32_t)((int32_t)(s1 - s0) >> 8);
        s3 = (uint32_t)((int32_t)(s3 - s2) >> 8);
    }
    const ed_m4_fully_connected_sums sums = {{s0, s1, s2, s3}};
    return sums;
}

ED_INLINE void ed_m4_fully_connected(const ed_m4_fully_connected_shape *s, const int8_t *input,
                                     const uint32_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift,
                                     int8_t *output)
{
    const ed_dsp_scale scale = {s->output_zero_point, s->lowest, s->highest, s->quick,
                                s->rectified};
    const int32_t fours = s->inputs / 4;
    const int32_t rest = s->inputs % 4;
    const int32_t blocked = s->outputs - s->outputs % ED_M4_FULLY_CONNECTED_ROWS;
    for (int32_t batch = 0; batch < s->batches; ++batch) {
        const uint32_t *words = weights;
        int32_t o = 0;
        for (; o < blocked; o += ED_M4_FULLY_CONNECTED_ROWS) {
            ed_m4_fully_connected_sums sums =
                ed_m4_fully_connected_dot(fours, s->paired, words, input);
            words += 4 * fours;
            for (int32_t i = 0; i < rest; ++i) {
                const int8_t *four_rows = (const int8_t *)(words++);
                for (int32_t r = 0; r < ED_M4_FULLY_CONNECTED_ROWS; ++r) {
                    sums.row[r] += (uint32_t)(input[4 * fours + i] * four_rows[r]);
                }
            }
            for (int32_t r = 0; r < ED_M4_FULLY_CONNECTED_ROWS; ++r) {
                const ed_dsp_channel c = ed_dsp_prepare(&scale, multiplier[o + r], shift[o + r]);
                const uint32_t sum = sums.row[r] + (uint32_t)bias[o + r];
                output[o + r] = (int8_t)ed_dsp_requantize(&scale, c, sum);
            }
        }
        const int8_t *row = (const int8_t *)words;
        for (; o < s->outputs; ++o) {
            uint32_t sum = (uint32_t)bias[o];
            for (int32_t i = 0; i < 4 * fours; i += 4) {
                const uint32_t x = ed_dsp_load(input + i);
                const uint32_t w = ed_dsp_load(row + i);
                sum = ed_dsp_smlad(ed_dsp_sxtb16(x), ed_dsp_sxtb16(w), sum);
                sum = ed_dsp_smlad(ed_dsp_sxtb16_odd(x), ed_dsp_sxtb16_odd(w), sum);
            }
            for (int32_t i = 4 * fours; i < s->inputs; ++i) {
                sum += (uint32_t)(input[i] * row[i]);
            }
            row += s->inputs;
            const ed_dsp_channel c = ed_dsp_prepare(&scale, multiplier[o], shift[o]);
            output[o] = (int8_t)ed_dsp_requantize(&scale, c, sum);
        }
        input += s->inputs;
        output += s->outputs;
    }
}

#endif
