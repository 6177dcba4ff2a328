/* Depthwise convolution, int8, Cortex-M4: 3x3, stride 1 or 2, one multiple, at least two channels.
 * The same outputs as nn/depthwise.h.
 *
 * Two channels at a time, and a band of rows of them: the band is copied out, widened to int16 and
 * padded, two rows of a column to a word; then SMLAD takes two taps at once, down the columns.
 *
 * weights    [channels][3 columns][3 rows] int8
 * shift      [channels] int8 in [0, 8]: how far a channel's weights go left, so that one shift
 *            right is right for all channels
 * bias       [channels] int32, in the same steps as the products of those weights
 * multiplier [channels] int32, 0 or above
 * scratch    [(output_width - 1) * stride + 3][2 channels][words] words, a pair of rows each
 * output     [batches, output_height, output_width, channels] int8; may be `input`: a band of a
 *            channel is read before it is written, and lies where the channel's inputs were, never
 *            behind what has been read
 *
 * `words`, of a column, is odd and at least 3: a band takes 2 * words - 2 input rows, four at a
 * time, and the last word holds the two rows that the next band needs again.
 *
 * An output is (bias + products) * multiplier / 2^32 + round + 2^(shift - 2), cut off, then shifted
 * right by ED_M4_DEPTHWISE_SHIFT and limited to int8. The compiler (ops/single_shift.py) proves for
 * each channel that this is what ed_requantize_int8 gives.
 *
 * The loops are assembly, and know registers by number because they need all of them.
 */
#ifndef ED_NN_M4_DEPTHWISE_3X3_H
#define ED_NN_M4_DEPTHWISE_3X3_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

#define ED_M4_DEPTHWISE_SHIFT 10

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t pad_top, pad_left; /* 0 or 1 */
    int32_t input_zero_point;  /* [-128, 127], what padding holds */
    int32_t round;             /* half a step and the output's zero point, before the shift */
} ed_m4_depthwise_3x3_shape;

/* How a band is copied, in the order in which ed_m4_depthwise_copy takes it. Bits of `counts` say
 * what there is of each column, in this order: 31, a row of padding and one of input; 15 to 0, how
 * many times four rows; 30, two rows; 29, a row of input and one of padding; 28, padding alone. */
typedef struct {
    const int8_t *from;
    int32_t next;            /* bytes from the end of a column to the next */
    int32_t row, three_rows; /* bytes */
    uint32_t *to;
    int32_t columns; /* above 0 */
    uint32_t fill;   /* two channels of padding */
    uint32_t counts;
    int32_t back; /* bytes from the end of a column's words to the next column's */
} ed_m4_depthwise_rows;

/* One channel's constants. weights, as int16: with stride 1 of each column the taps (0, 1) and
 * (1, 2); with stride 2 of each column the taps (0, 1), then tap 2 of columns 0 and 1, then that of
 * column 2. */
typedef struct {
    int32_t bias, multiplier, round;
    uint32_t weights[6];
} ed_m4_depthwise_channel;

/* What is computed of a plane: passes of a row of blocks each. */
typedef struct {
    int32_t row;         /* bytes from one output row to the next */
    int32_t last;        /* bytes from a pass's first output row to its last */
    int32_t pixel;       /* bytes from one output to the next */
    const uint32_t *end; /* where the words of the first pass end */
    int32_t back;        /* bytes from there back to where the next pass begins */
    int32_t below;       /* bytes from the end of a pass's first output row to the next pass */
    int32_t passes;      /* of whole blocks */
    int32_t more;        /* then: 1, a pass without the last output row; 2, one of two rows */
    int32_t second;      /* bytes from its first row to its second; 0 drops the second */
    const uint32_t *words;
    int8_t *to;
} ed_m4_depthwise_band;

/* Copies and widens. r0 to r8 as in the structure, r9 four rows left, the rest data. */
ED_INLINE void ed_m4_depthwise_copy(const ed_m4_depthwise_rows *rows, int32_t words)
{
    __asm__ volatile("push {r4-r11}\n\t"
                     "mov r12, %[rows]\n\t"
                     "ldm r12, {r0-r8}\n"
                     "1:\n\t"
                     "lsls r9, r7, #1\n\t"
                     "bcc 2f\n\t"
                     "ldrh r10, [r0]\n\t"
                     "add r0, r0, r2\n\t"
                     "orr r10, r6, r10, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, %[other]]\n\t"
                     "str r10, [r4], #4\n"
                     "2:\n\t"
                     "lsls r9, r7, #16\n\t"
                     "beq 4f\n"
                     "3:\n\t"
                     "ldrh r10, [r0]\n\t"
                     "ldrh r11, [r0, r2]\n\t"
                     "ldrh r12, [r0, r2, lsl #1]\n\t"
                     "ldrh lr, [r0, r3]\n\t"
                     "add r0, r0, r2, lsl #2\n\t"
                     "orr r10, r10, r11, lsl #16\n\t"
                     "orr r12, r12, lr, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 lr, r12, ror #8\n\t"
                     "str r11, [r4, %[other]]\n\t"
                     "str lr, [r4, %[other]+4]\n\t"
                     "sxtb16 r10, r10\n\t"
                     "sxtb16 r12, r12\n\t"
                     "str r10, [r4], #4\n\t"
                     "str r12, [r4], #4\n\t"
                     "subs r9, r9, #0x10000\n\t"
                     "bne 3b\n"
                     "4:\n\t"
                     "lsls r9, r7, #1\n\t"
                     "bpl 5f\n\t"
                     "ldrh r10, [r0]\n\t"
                     "ldrh r11, [r0, r2]\n\t"
                     "add r0, r0, r2, lsl #1\n\t"
                     "orr r10, r10, r11, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, %[other]]\n\t"
                     "str r10, [r4], #4\n"
                     "5:\n\t"
                     "lsls r9, r7, #3\n\t"
                     "bcs 6f\n\t"
                     "bpl 8f\n\t"
                     "mov r10, r6\n\t"
                     "b 7f\n"
                     "6:\n\t"
                     "ldrh r10, [r0]\n\t"
                     "add r0, r0, r2\n"
                     "7:\n\t"
                     "orr r10, r10, r6, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, %[other]]\n\t"
                     "str r10, [r4], #4\n"
                     "8:\n\t"
                     "add r0, r0, r1\n\t"
                     "add r4, r4, r8\n\t"
                     "subs r5, r5, #1\n\t"
                     "bne 1b\n\t"
                     "pop {r4-r11}"
                     :
                     : [rows] "r"(rows), [other] "i"(4 * words)
                     : "r0", "r1", "r2", "r3", "r12", "lr", "cc", "memory");
}

/* Where the loops below find what waits on the stack. Registers: r0 to r3 sums, r4 to r9 weights,
 * r10 and r11 data, r12 words, lr outputs. */
#define ED_M4_DEPTHWISE_BIAS "[sp, #0]"
#define ED_M4_DEPTHWISE_MULTIPLIER "[sp, #4]"
#define ED_M4_DEPTHWISE_ROUND "[sp, #8]"
#define ED_M4_DEPTHWISE_ROW "[sp, #12]"
#define ED_M4_DEPTHWISE_LAST "[sp, #16]"
#define ED_M4_DEPTHWISE_PIXEL "[sp, #20]"
#define ED_M4_DEPTHWISE_END "[sp, #24]"
#define ED_M4_DEPTHWISE_BACK "[sp, #28]"
#define ED_M4_DEPTHWISE_BELOW "[sp, #32]"
#define ED_M4_DEPTHWISE_PASSES "[sp, #36]"
#define ED_M4_DEPTHWISE_MORE "[sp, #40]"
#define ED_M4_DEPTHWISE_SECOND "[sp, #44]"

/* In; with no whole block straight to label 2. */
#define ED_M4_DEPTHWISE_ENTER                             \
    "push {r4-r11}\n\t"                                   \
    "mov r12, %[channel]\n\t"                             \
    "mov lr, %[band]\n\t"                                 \
    "ldm lr!, {r0-r8}\n\t"                                \
    "push {r0-r8}\n\t"                                    \
    "ldm r12!, {r0-r2}\n\t"                               \
    "push {r0-r2}\n\t"                                    \
    "cmp r6, #0\n\t"                                      \
    "ldm r12, {r4-r9}\n\t"                                \
    "ldm lr, {r12, lr}\n\t"                               \
    "beq 2f\n"                                            \
    "1:\n\t"
/* To the next pass (label 1), or on. */
#define ED_M4_DEPTHWISE_NEXT                              \
    "bne 1b\n\t"                                          \
    "ldr r0, " ED_M4_DEPTHWISE_PASSES "\n\t"              \
    "ldr r1, " ED_M4_DEPTHWISE_END "\n\t"                 \
    "ldr r2, " ED_M4_DEPTHWISE_BACK "\n\t"                \
    "ldr r3, " ED_M4_DEPTHWISE_BELOW "\n\t"               \
    "subs r0, r0, #1\n\t"                                 \
    "str r0, " ED_M4_DEPTHWISE_PASSES "\n\t"              \
    "add r1, r1, #8\n\t"                                  \
    "str r1, " ED_M4_DEPTHWISE_END "\n\t"                 \
    "sub r12, r12, r2\n\t"                                \
    "add lr, lr, r3\n\t"                                  \
    "bne 1b\n"                                            \
    "2:\n\t"                                              \
    "ldr r0, " ED_M4_DEPTHWISE_MORE "\n\t"                \
    "cmp r0, #1\n\t"                                      \
    "bne 3f\n\t"                                          \
    "mov r1, #0\n\t"                                      \
    "str r0, " ED_M4_DEPTHWISE_PASSES "\n\t"              \
    "str r1, " ED_M4_DEPTHWISE_MORE "\n\t"                \
    "str r1, " ED_M4_DEPTHWISE_LAST "\n\t"                \
    "b 1b\n"                                              \
    "3:\n\t"
#define ED_M4_DEPTHWISE_LEAVE                             \
    "add sp, sp, #48\n\t"                                 \
    "pop {r4-r11}"
#define ED_M4_DEPTHWISE_OPERANDS                                                            \
    : [channel] "r"(channel), [band] "r"(band), [shift] "i"(ED_M4_DEPTHWISE_SHIFT),         \
      [column] "i"(8 * words), [two_columns] "i"(16 * words)                                \
    : "r0", "r1", "r2", "r3", "r12", "lr", "cc", "memory"

/* Stride 1. A block is four outputs down a column, from three words of each of three columns; the
 * last pass may have blocks of two, from two words of each. A block's last output is written first:
 * where there is none, the first takes its place. */
ED_INLINE void ed_m4_depthwise_run(const ed_m4_depthwise_channel *channel,
                                   const ed_m4_depthwise_band *band, int32_t words)
{
    __asm__ volatile(ED_M4_DEPTHWISE_ENTER
                     "ldr r3, " ED_M4_DEPTHWISE_BIAS "\n\t"
                     "ldr r10, [r12]\n\t"
                     "ldr r11, [r12, #4]\n\t"
                     "ldr r2, [r12, #8]\n\t"
                     "smlad r0, r10, r4, r3\n\t"
                     "smlatb r1, r10, r4, r3\n\t"
                     "smlabt r0, r11, r5, r0\n\t"
                     "smlad r1, r11, r5, r1\n\t"
                     "smlad r10, r11, r4, r3\n\t"
                     "smlatb r3, r11, r4, r3\n\t"
                     "smlad r3, r2, r5, r3\n\t"
                     "smlabt r2, r2, r5, r10\n\t"
                     "ldr r10, [r12, %[column]]!\n\t"
                     "ldr r11, [r12, #4]\n\t"
                     "smlad r0, r10, r6, r0\n\t"
                     "smlatb r1, r10, r6, r1\n\t"
                     "smlabt r0, r11, r7, r0\n\t"
                     "smlad r1, r11, r7, r1\n\t"
                     "smlad r2, r11, r6, r2\n\t"
                     "smlatb r3, r11, r6, r3\n\t"
                     "ldr r10, [r12, #8]\n\t"
                     "ldr r11, [r12, %[column]]\n\t"
                     "smlabt r2, r10, r7, r2\n\t"
                     "smlad r3, r10, r7, r3\n\t"
                     "smlad r0, r11, r8, r0\n\t"
                     "smlatb r1, r11, r8, r1\n\t"
                     "ldr r10, [r12, %[column]+4]\n\t"
                     "ldr r11, [r12, %[column]+8]\n\t"
                     "smlabt r0, r10, r9, r0\n\t"
                     "smlad r1, r10, r9, r1\n\t"
                     "smlad r2, r10, r8, r2\n\t"
                     "smlatb r3, r10, r8, r3\n\t"
                     "smlabt r2, r11, r9, r2\n\t"
                     "smlad r3, r11, r9, r3\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_ROUND "\n\t"
                     "smmla r3, r3, r10, r11\n\t"
                     "smmla r1, r1, r10, r11\n\t"
                     "smmla r2, r2, r10, r11\n\t"
                     "smmla r0, r0, r10, r11\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_LAST "\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_ROW "\n\t"
                     "ssat r3, #8, r3, asr %[shift]\n\t"
                     "ssat r1, #8, r1, asr %[shift]\n\t"
                     "ssat r2, #8, r2, asr %[shift]\n\t"
                     "ssat r0, #8, r0, asr %[shift]\n\t"
                     "strb r3, [lr, r11]\n\t"
                     "strb r1, [lr, r10]\n\t"
                     "strb r2, [lr, r10, lsl #1]\n\t"
                     "strb r0, [lr]\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_PIXEL "\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_END "\n\t"
                     "add lr, lr, r10\n\t"
                     "cmp r12, r11\n\t" ED_M4_DEPTHWISE_NEXT
                     "cmp r0, #2\n\t"
                     "bne 5f\n"
                     "4:\n\t"
                     "ldr r3, " ED_M4_DEPTHWISE_BIAS "\n\t"
                     "ldr r10, [r12]\n\t"
                     "ldr r11, [r12, #4]\n\t"
                     "ldr r2, [r12, %[column]]!\n\t"
                     "smlad r0, r10, r4, r3\n\t"
                     "smlatb r1, r10, r4, r3\n\t"
                     "smlabt r0, r11, r5, r0\n\t"
                     "smlad r1, r11, r5, r1\n\t"
                     "smlad r0, r2, r6, r0\n\t"
                     "smlatb r1, r2, r6, r1\n\t"
                     "ldr r10, [r12, #4]\n\t"
                     "ldr r11, [r12, %[column]]\n\t"
                     "ldr r2, [r12, %[column]+4]\n\t"
                     "smlabt r0, r10, r7, r0\n\t"
                     "smlad r1, r10, r7, r1\n\t"
                     "smlad r0, r11, r8, r0\n\t"
                     "smlatb r1, r11, r8, r1\n\t"
                     "smlabt r0, r2, r9, r0\n\t"
                     "smlad r1, r2, r9, r1\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_ROUND "\n\t"
                     "smmla r1, r1, r10, r11\n\t"
                     "smmla r0, r0, r10, r11\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_SECOND "\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_PIXEL "\n\t"
                     "ldr r2, " ED_M4_DEPTHWISE_END "\n\t"
                     "ssat r1, #8, r1, asr %[shift]\n\t"
                     "ssat r0, #8, r0, asr %[shift]\n\t"
                     "strb r1, [lr, r10]\n\t"
                     "strb r0, [lr]\n\t"
                     "add lr, lr, r11\n\t"
                     "cmp r12, r2\n\t"
                     "bne 4b\n"
                     "5:\n\t" ED_M4_DEPTHWISE_LEAVE
                     : ED_M4_DEPTHWISE_OPERANDS);
}

/* Stride 2. A block is two outputs down a column, from three words of each of three columns. */
ED_INLINE void ed_m4_depthwise_run_strided(const ed_m4_depthwise_channel *channel,
                                           const ed_m4_depthwise_band *band, int32_t words)
{
    __asm__ volatile(ED_M4_DEPTHWISE_ENTER
                     "ldr r9, " ED_M4_DEPTHWISE_BIAS "\n\t"
                     "ldr r10, [r12]\n\t"
                     "ldr r11, [r12, #4]\n\t"
                     "ldr r2, [r12, #8]\n\t"
                     "ldr r3, [r12, %[column]]\n\t"
                     "smlad r0, r10, r4, r9\n\t"
                     "smlad r1, r11, r4, r9\n\t"
                     "smlabb r0, r11, r7, r0\n\t"
                     "smlabb r1, r2, r7, r1\n\t"
                     "smlad r0, r3, r5, r0\n\t"
                     "ldr r10, [r12, %[column]+4]\n\t"
                     "ldr r11, [r12, %[column]+8]\n\t"
                     "ldr r2, [r12, %[two_columns]]!\n\t"
                     "ldr r3, [r12, #4]\n\t"
                     "ldr r9, [r12, #8]\n\t"
                     "smlad r1, r10, r5, r1\n\t"
                     "smlabt r0, r10, r7, r0\n\t"
                     "smlabt r1, r11, r7, r1\n\t"
                     "smlad r0, r2, r6, r0\n\t"
                     "smlad r1, r3, r6, r1\n\t"
                     "smlabb r0, r3, r8, r0\n\t"
                     "smlabb r1, r9, r8, r1\n\t"
                     "ldr r10, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t"
                     "ldr r11, " ED_M4_DEPTHWISE_ROUND "\n\t"
                     "ldr r9, " ED_M4_DEPTHWISE_LAST "\n\t"
                     "ldr r3, " ED_M4_DEPTHWISE_PIXEL "\n\t"
                     "ldr r2, " ED_M4_DEPTHWISE_END "\n\t"
                     "smmla r1, r1, r10, r11\n\t"
                     "smmla r0, r0, r10, r11\n\t"
                     "ssat r1, #8, r1, asr %[shift]\n\t"
                     "ssat r0, #8, r0, asr %[shift]\n\t"
                     "strb r1, [lr, r9]\n\t"
                     "strb r0, [lr]\n\t"
                     "add lr, lr, r3\n\t"
                     "cmp r12, r2\n\t" ED_M4_DEPTHWISE_NEXT ED_M4_DEPTHWISE_LEAVE
                     : ED_M4_DEPTHWISE_OPERANDS);
}

/* The smaller of two sizes. */
ED_INLINE int32_t ed_m4_depthwise_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* A pair of taps as int16, shifted left. */
ED_INLINE uint32_t ed_m4_depthwise_pair(int32_t low, int32_t high, int32_t shift)
{
    return ((uint32_t)low << shift & 0xffffu) | (uint32_t)high << shift << 16;
}

/* Every column's last words become its first. */
ED_INLINE void ed_m4_depthwise_keep(uint32_t *planes, int32_t columns, int32_t words)
{
    for (; columns > 0; --columns) {
        const uint32_t a = planes[words - 1], b = planes[2 * words - 1];
        planes[0] = a;
        planes[words] = b;
        planes += 2 * words;
    }
}

/* Copy two channels: `count` words of each column, from word `first` on, whose upper row is row y
 * of the input; that is -1 for a row of padding. */
ED_INLINE void ed_m4_depthwise_fill(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                                    int32_t y, int32_t first, int32_t count, int32_t width,
                                    uint32_t *planes, int32_t words)
{
    const int32_t row = s->input_width * s->channels;
    const int32_t over = y < 0;
    const int32_t inside = ed_m4_depthwise_least(2 * count, s->input_height - y);
    const int32_t rows = inside - 2 * over; /* after the word that has the upper padding */
    const int32_t used = (inside + 1) / 2;
    ed_m4_depthwise_rows r;
    r.from = input + (y + over) * row;
    r.next = s->channels - (inside - over) * row;
    r.row = row;
    r.three_rows = 3 * row;
    r.to = planes + s->pad_left * 2 * words + first;
    r.columns = ed_m4_depthwise_least(s->input_width, width - s->pad_left);
    r.fill = (uint32_t)(s->input_zero_point & 0xff) * 0x0101u;
    r.counts = (uint32_t)over << 31 | (uint32_t)(rows & 2) << 29 | (uint32_t)(rows & 1) << 29 |
               (uint32_t)(used < count && (rows & 1) == 0) << 28 | (uint32_t)(rows / 4);
    r.back = 4 * (2 * words - (used < count && (rows & 1) == 0 ? used + 1 : used));
    ed_m4_depthwise_copy(&r, words);
}

/* One channel's weights and constants. */
ED_INLINE void ed_m4_depthwise_prepare(ed_m4_depthwise_channel *c, const int8_t *w, int32_t bias,
                                       int32_t multiplier, int32_t shift, int32_t round,
                                       int32_t stride)
{
    c->bias = bias;
    c->multiplier = multiplier;
    c->round = round + (1 << shift >> 2);
    if (stride == 1) {
        for (int32_t x = 0; x < 3; ++x) {
            c->weights[2 * x] = ed_m4_depthwise_pair(w[3 * x], w[3 * x + 1], shift);
            c->weights[2 * x + 1] = ed_m4_depthwise_pair(w[3 * x + 1], w[3 * x + 2], shift);
        }
    } else {
        for (int32_t x = 0; x < 3; ++x) {
            c->weights[x] = ed_m4_depthwise_pair(w[3 * x], w[3 * x + 1], shift);
        }
        c->weights[3] = ed_m4_depthwise_pair(w[2], w[5], shift);
        c->weights[4] = ed_m4_depthwise_pair(w[8], 0, shift);
    }
}

ED_INLINE void ed_m4_depthwise_3x3(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                                   const int8_t *weights, const int32_t *bias,
                                   const int32_t *multiplier, const int8_t *shift, int8_t *output,
                                   uint32_t *scratch, int32_t stride, int32_t words)
{
    const int32_t channels = s->channels;
    const int32_t width = (s->output_width - 1) * stride + 3;
    const int32_t most = (2 * words - 2) / stride; /* output rows of a band */
    const int32_t block = stride == 1 ? 4 : 2;
    ed_m4_depthwise_channel channel[2];
    ed_m4_depthwise_band band;
    band.pixel = channels;
    band.row = s->output_width * channels;
    band.last = band.below = (block - 1) * band.row;
    band.back = (s->output_width * stride * 2 * words - 2) * 4;
    for (int32_t i = 0; i < width * 2 * words; ++i) {
        scratch[i] = (uint32_t)(s->input_zero_point & 0xffff) * 0x10001u;
    }
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t c = 0; c < channels; c += 2) {
            /* The last of an odd number goes along with its neighbour, which is done. */
            const int32_t alone = c + 1 == channels;
            const int32_t first = c - alone;
            for (int32_t i = alone; i < 2; ++i) {
                const int32_t o = first + i;
                ed_m4_depthwise_prepare(&channel[i], weights + 9 * o, bias[o], multiplier[o],
                                        shift[o], s->round, stride);
            }
            for (int32_t y = 0; y < s->output_height; y += most) {
                const int32_t rows = ed_m4_depthwise_least(most, s->output_height - y);
                const int32_t kept = y > 0;
                if (kept) {
                    ed_m4_depthwise_keep(scratch, width, words);
                }
                ed_m4_depthwise_fill(s, input + first, y * stride - s->pad_top + 2 * kept, kept,
                                     ((rows - 1) * stride + 4) / 2 - kept, width, scratch, words);
                band.passes = rows / block;
                band.more = rows % block == block - 1 ? 1 : rows % block != 0 ? 2 : 0;
                band.second = rows % block == 2 ? band.row : 0;
                for (int32_t i = alone; i < 2; ++i) {
                    band.words = scratch + i * words;
                    band.end = band.words + s->output_width * stride * 2 * words;
                    band.to = output + y * band.row + first + i;
                    if (stride == 1) {
                        ed_m4_depthwise_run(&channel[i], &band, words);
                    } else {
                        ed_m4_depthwise_run_strided(&channel[i], &band, words);
                    }
                }
            }
        }
        input += s->input_height * s->input_width * channels;
        output += s->output_height * s->output_width * channels;
    }
}

#endif
