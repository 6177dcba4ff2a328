/* The loops of nn/m4/depthwise_3x3.h: copying a band of two channels, and computing one channel of
 * it. Assembly, which knows registers by number because it needs all of them.
 *
 * A plane's column is `words` words of each of two channels in turn, each the two rows of a pair;
 * `words` is a constant of each function.
 */
#ifndef ED_NN_M4_DEPTHWISE_LOOPS_H
#define ED_NN_M4_DEPTHWISE_LOOPS_H

#include <stdint.h>

#include "nn/inline.h"

#define ED_M4_DEPTHWISE_SHIFT 10

typedef struct {
    int16_t batches;
    int16_t input_height, input_width, channels;
    int16_t output_height, output_width, multiples;
    int8_t pad_top, pad_left; /* 0 or 1 */
    int8_t stride, words;
    int8_t input_zero_point, output_zero_point;
    int8_t single_shift; /* how outputs are requantized, see nn/m4/depthwise_3x3.h */
    int8_t lowest, highest;   /* the fused activation, in output steps */
    int8_t quick;           /* see ed_dsp_scale */
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

/* One channel's constants. weights, as int16: of each column the taps (0, 1) and (1, 2). */
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
    int32_t rows;   /* of the output, all together */
    uint32_t *sums; /* one pass of them, for ed_m4_depthwise_outputs */
} ed_m4_depthwise_band;

/* Copies and widens. r0 to r8 as in the structure, r9 four rows left, the rest data. What most
 * columns do not have stands behind the loop. */
ED_INLINE void ed_m4_depthwise_copy(const ed_m4_depthwise_rows *rows)
{
    __asm__ volatile("push {r4-r11}\n\t"
                     "mov r12, %[rows]\n\t"
                     "ldm r12, {r0-r8}\n"
                     "1:\n\t"
                     "lsls r9, r7, #1\n\t"
                     "bcs 5f\n"
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
                     "str r11, [r4, #4]\n\t"
                     "str lr, [r4, #12]\n\t"
                     "sxtb16 r10, r10\n\t"
                     "sxtb16 r12, r12\n\t"
                     "str r12, [r4, #8]\n\t"
                     "str r10, [r4], #16\n\t"
                     "subs r9, r9, #0x10000\n\t"
                     "bne 3b\n"
                     "4:\n\t"
                     "tst r7, #0x70000000\n\t"
                     "bne 6f\n"
                     "9:\n\t"
                     "add r0, r0, r1\n\t"
                     "add r4, r4, r8\n\t"
                     "subs r5, r5, #1\n\t"
                     "bne 1b\n\t"
                     "b 10f\n"
                     "5:\n\t"
                     "ldrh r10, [r0]\n\t"
                     "add r0, r0, r2\n\t"
                     "orr r10, r6, r10, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, #4]\n\t"
                     "str r10, [r4], #8\n\t"
                     "b 2b\n"
                     "6:\n\t"
                     "lsls r9, r7, #1\n\t"
                     "bpl 7f\n\t"
                     "ldrh r10, [r0]\n\t"
                     "ldrh r11, [r0, r2]\n\t"
                     "add r0, r0, r2, lsl #1\n\t"
                     "orr r10, r10, r11, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, #4]\n\t"
                     "str r10, [r4], #8\n\t"
                     "tst r7, #0x30000000\n\t"
                     "beq 9b\n"
                     "7:\n\t"
                     "lsls r9, r7, #3\n\t"
                     "mov r10, r6\n\t"
                     "bcc 8f\n\t"
                     "ldrh r10, [r0]\n\t"
                     "add r0, r0, r2\n"
                     "8:\n\t"
                     "orr r10, r10, r6, lsl #16\n\t"
                     "sxtb16 r11, r10, ror #8\n\t"
                     "sxtb16 r10, r10\n\t"
                     "str r11, [r4, #4]\n\t"
                     "str r10, [r4], #8\n\t"
                     "b 9b\n"
                     "10:\n\t"
                     "pop {r4-r11}"
                     :
                     : [rows] "r"(rows)
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

/* The loops are functions without a frame of the compiler's: (shape, channel, band). */
#define ED_M4_DEPTHWISE_LOOPS(name, column_words, text)                                          \
    __attribute__((naked, noinline, unused)) static void name(                                   \
        __attribute__((unused)) const ed_m4_depthwise_3x3_shape *s,                              \
        __attribute__((unused)) const ed_m4_depthwise_channel *channel,                          \
        __attribute__((unused)) const ed_m4_depthwise_band *band)                                \
    {                                                                                            \
        __asm__ volatile(ED_M4_DEPTHWISE_ENTER text ED_M4_DEPTHWISE_LEAVE                        \
                         :                                                                       \
                         : [shift] "i"(ED_M4_DEPTHWISE_SHIFT), [column] "i"(8 * (column_words)), \
                           [two_columns] "i"(16 * (column_words)));                              \
    }
#define ED_M4_DEPTHWISE_ENTER                             \
    "push {r4-r11, lr}\n\t"                               \
    "mov r12, r1\n\t"                                     \
    "mov lr, r2\n\t"                                      \
    "ldm lr!, {r0-r8}\n\t"                                \
    "push {r0-r8}\n\t"                                    \
    "ldm r12!, {r0-r2}\n\t"                               \
    "push {r0-r2}\n\t"                                    \
    "cmp r6, #0\n\t" /* passes */                         \
    "ldm r12, {r4-r9}\n\t"                                \
    "ldm lr, {r12, lr}\n\t"
/* After a block: to the next of the pass (label 1), to the next pass (label 1), or on. */
#define ED_M4_DEPTHWISE_NEXT                              \
    "bne 1b\n\t"                                          \
    "ldr r0, " ED_M4_DEPTHWISE_PASSES "\n\t"              \
    "ldr r1, " ED_M4_DEPTHWISE_END "\n\t"                 \
    "ldr r2, " ED_M4_DEPTHWISE_BACK "\n\t"                \
    "ldr r3, " ED_M4_DEPTHWISE_BELOW "\n\t"               \
    "subs r0, r0, #1\n\t"                                 \
    "str r0, " ED_M4_DEPTHWISE_PASSES "\n\t"              \
    "add r1, r1, #16\n\t"                                 \
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
    "pop {r4-r11, pc}"

/* Stride 1: the sums of four outputs down a column, from three words of each of three columns. Goes
 * on by a column. */
#define ED_M4_DEPTHWISE_FOUR                    \
    "ldr r3, " ED_M4_DEPTHWISE_BIAS "\n\t"      \
    "ldr r10, [r12]\n\t"                        \
    "ldr r11, [r12, #8]\n\t"                    \
    "ldr r2, [r12, #16]\n\t"                    \
    "smlad r0, r10, r4, r3\n\t"                 \
    "smlatb r1, r10, r4, r3\n\t"                \
    "smlabt r0, r11, r5, r0\n\t"                \
    "smlad r1, r11, r5, r1\n\t"                 \
    "smlad r10, r11, r4, r3\n\t"                \
    "smlatb r3, r11, r4, r3\n\t"                \
    "smlad r3, r2, r5, r3\n\t"                  \
    "smlabt r2, r2, r5, r10\n\t"                \
    "ldr r10, [r12, %[column]]!\n\t"            \
    "ldr r11, [r12, #8]\n\t"                    \
    "smlad r0, r10, r6, r0\n\t"                 \
    "smlatb r1, r10, r6, r1\n\t"                \
    "smlabt r0, r11, r7, r0\n\t"                \
    "smlad r1, r11, r7, r1\n\t"                 \
    "smlad r2, r11, r6, r2\n\t"                 \
    "smlatb r3, r11, r6, r3\n\t"                \
    "ldr r10, [r12, #16]\n\t"                   \
    "ldr r11, [r12, %[column]]\n\t"             \
    "smlabt r2, r10, r7, r2\n\t"                \
    "smlad r3, r10, r7, r3\n\t"                 \
    "smlad r0, r11, r8, r0\n\t"                 \
    "smlatb r1, r11, r8, r1\n\t"                \
    "ldr r10, [r12, %[column]+8]\n\t"           \
    "ldr r11, [r12, %[column]+16]\n\t"          \
    "smlabt r0, r10, r9, r0\n\t"                \
    "smlad r1, r10, r9, r1\n\t"                 \
    "smlad r2, r10, r8, r2\n\t"                 \
    "smlatb r3, r10, r8, r3\n\t"                \
    "smlabt r2, r11, r9, r2\n\t"                \
    "smlad r3, r11, r9, r3\n\t"

/* Stride 2: the sums of two outputs down a column, likewise. Goes on by two columns. */
#define ED_M4_DEPTHWISE_STRIDED                 \
    "ldr r3, " ED_M4_DEPTHWISE_BIAS "\n\t"      \
    "ldr r10, [r12]\n\t"                        \
    "ldr r11, [r12, #8]\n\t"                    \
    "ldr r2, [r12, #16]\n\t"                    \
    "smlad r0, r10, r4, r3\n\t"                 \
    "smlad r1, r11, r4, r3\n\t"                 \
    "smlabt r0, r11, r5, r0\n\t"                \
    "smlabt r1, r2, r5, r1\n\t"                 \
    "ldr r10, [r12, %[column]]\n\t"             \
    "ldr r11, [r12, %[column]+8]\n\t"           \
    "ldr r2, [r12, %[column]+16]\n\t"           \
    "ldr r3, [r12, %[two_columns]]!\n\t"        \
    "smlad r0, r10, r6, r0\n\t"                 \
    "smlad r1, r11, r6, r1\n\t"                 \
    "smlabt r0, r11, r7, r0\n\t"                \
    "smlabt r1, r2, r7, r1\n\t"                 \
    "smlad r0, r3, r8, r0\n\t"                  \
    "ldr r10, [r12, #8]\n\t"                    \
    "ldr r11, [r12, #16]\n\t"                   \
    "ldr r2, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t" \
    "ldr r3, " ED_M4_DEPTHWISE_ROUND "\n\t"     \
    "smlad r1, r10, r8, r1\n\t"                 \
    "smlabt r0, r10, r9, r0\n\t"                \
    "smlabt r1, r11, r9, r1\n\t"

/* Stride 1. The last pass may have blocks of two outputs, from two words of each column. A block's
 * last output is written first: where there is none, the first takes its place. */
#define ED_M4_DEPTHWISE_RUN_1 \
    "beq 2f\n" \
    "1:\n\t" ED_M4_DEPTHWISE_FOUR \
    "ldr r10, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t" \
    "ldr r11, " ED_M4_DEPTHWISE_ROUND "\n\t" \
    "smmla r3, r3, r10, r11\n\t" \
    "smmla r1, r1, r10, r11\n\t" \
    "smmla r2, r2, r10, r11\n\t" \
    "smmla r0, r0, r10, r11\n\t" \
    "ldr r11, " ED_M4_DEPTHWISE_LAST "\n\t" \
    "ldr r10, " ED_M4_DEPTHWISE_ROW "\n\t" \
    "ssat r3, #8, r3, asr %[shift]\n\t" \
    "ssat r1, #8, r1, asr %[shift]\n\t" \
    "ssat r2, #8, r2, asr %[shift]\n\t" \
    "ssat r0, #8, r0, asr %[shift]\n\t" \
    "strb r3, [lr, r11]\n\t" \
    "strb r1, [lr, r10]\n\t" \
    "strb r2, [lr, r10, lsl #1]\n\t" \
    "strb r0, [lr]\n\t" \
    "ldr r10, " ED_M4_DEPTHWISE_PIXEL "\n\t" \
    "ldr r11, " ED_M4_DEPTHWISE_END "\n\t" \
    "add lr, lr, r10\n\t" \
    "cmp r12, r11\n\t" ED_M4_DEPTHWISE_NEXT \
    "cmp r0, #2\n\t" \
    "bne 5f\n" \
    "4:\n\t" \
    "ldr r3, " ED_M4_DEPTHWISE_BIAS "\n\t" \
    "ldr r10, [r12]\n\t" \
    "ldr r11, [r12, #8]\n\t" \
    "ldr r2, [r12, %[column]]!\n\t" \
    "smlad r0, r10, r4, r3\n\t" \
    "smlatb r1, r10, r4, r3\n\t" \
    "smlabt r0, r11, r5, r0\n\t" \
    "smlad r1, r11, r5, r1\n\t" \
    "smlad r0, r2, r6, r0\n\t" \
    "smlatb r1, r2, r6, r1\n\t" \
    "ldr r10, [r12, #8]\n\t" \
    "ldr r11, [r12, %[column]]\n\t" \
    "ldr r2, [r12, %[column]+8]\n\t" \
    "smlabt r0, r10, r7, r0\n\t" \
    "smlad r1, r10, r7, r1\n\t" \
    "smlad r0, r11, r8, r0\n\t" \
    "smlatb r1, r11, r8, r1\n\t" \
    "smlabt r0, r2, r9, r0\n\t" \
    "smlad r1, r2, r9, r1\n\t" \
    "ldr r10, " ED_M4_DEPTHWISE_MULTIPLIER "\n\t" \
    "ldr r11, " ED_M4_DEPTHWISE_ROUND "\n\t" \
    "smmla r1, r1, r10, r11\n\t" \
    "smmla r0, r0, r10, r11\n\t" \
    "ldr r10, " ED_M4_DEPTHWISE_SECOND "\n\t" \
    "ldr r11, " ED_M4_DEPTHWISE_PIXEL "\n\t" \
    "ldr r2, " ED_M4_DEPTHWISE_END "\n\t" \
    "ssat r1, #8, r1, asr %[shift]\n\t" \
    "ssat r0, #8, r0, asr %[shift]\n\t" \
    "strb r1, [lr, r10]\n\t" \
    "strb r0, [lr]\n\t" \
    "add lr, lr, r11\n\t" \
    "cmp r12, r2\n\t" \
    "bne 4b\n" \
    "5:\n\t"

/* Stride 2. */
#define ED_M4_DEPTHWISE_RUN_2 \
    "beq 2f\n" \
    "1:\n\t" ED_M4_DEPTHWISE_STRIDED \
    "smmla r1, r1, r2, r3\n\t" \
    "smmla r0, r0, r2, r3\n\t" \
    "ldr r10, " ED_M4_DEPTHWISE_LAST "\n\t" \
    "ldr r3, " ED_M4_DEPTHWISE_PIXEL "\n\t" \
    "ldr r2, " ED_M4_DEPTHWISE_END "\n\t" \
    "ssat r1, #8, r1, asr %[shift]\n\t" \
    "ssat r0, #8, r0, asr %[shift]\n\t" \
    "strb r1, [lr, r10]\n\t" \
    "strb r0, [lr]\n\t" \
    "add lr, lr, r3\n\t" \
    "cmp r12, r2\n\t" ED_M4_DEPTHWISE_NEXT

/* Only the sums of one pass, a block's in a row, to where `band` says. */
#define ED_M4_DEPTHWISE_SUMS_1              \
    "1:\n\t" ED_M4_DEPTHWISE_FOUR           \
    "ldr r11, " ED_M4_DEPTHWISE_END "\n\t"  \
    "stm lr!, {r0-r3}\n\t"                  \
    "cmp r12, r11\n\t"                      \
    "bne 1b\n\t"
#define ED_M4_DEPTHWISE_SUMS_2              \
    "1:\n\t" ED_M4_DEPTHWISE_STRIDED        \
    "ldr r11, " ED_M4_DEPTHWISE_END "\n\t"  \
    "stm lr!, {r0, r1}\n\t"                 \
    "cmp r12, r11\n\t"                      \
    "bne 1b\n\t"

/* ed_m4_depthwise_<stride>_<words>. */
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_1_7, 7, ED_M4_DEPTHWISE_RUN_1)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_1_15, 15, ED_M4_DEPTHWISE_RUN_1)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_2_7, 7, ED_M4_DEPTHWISE_RUN_2)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_2_15, 15, ED_M4_DEPTHWISE_RUN_2)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_sums_1_7, 7, ED_M4_DEPTHWISE_SUMS_1)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_sums_1_15, 15, ED_M4_DEPTHWISE_SUMS_1)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_sums_2_7, 7, ED_M4_DEPTHWISE_SUMS_2)
ED_M4_DEPTHWISE_LOOPS(ed_m4_depthwise_sums_2_15, 15, ED_M4_DEPTHWISE_SUMS_2)

typedef void (*ed_m4_depthwise_loops)(const ed_m4_depthwise_3x3_shape *s,
                                      const ed_m4_depthwise_channel *channel,
                                      const ed_m4_depthwise_band *band);

#endif
