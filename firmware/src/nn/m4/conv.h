/* Two-dimensional convolution, int8, Cortex-M4. The same outputs as nn/conv.h.
 *
 * Three output pixels at a time: their patches are widened to int16 into `scratch`, then each two
 * output channels are multiplied with all three, twelve multiply-accumulates to one weight word.
 *
 * weights    [ceil(output_channels / 2)][ceil(taps / 4) * 2] words: taps k and k+2, then k+1 and
 *            k+3, each half of a word one tap of two output channels. With `paired` the half is
 *            the number 256 * (odd channel) + (even channel), so that SMLAD of the word itself
 *            gives both sums at once; otherwise it is two bytes, the even channel first.
 * scratch    [ceil(taps / 4) * 2][3] pairs (taps k and k+2, then k+1 and k+3, for each pixel);
 *            then, where the taps of a kernel row do not come in fours, [ceil(taps / 4)] words
 * output     may be `input` for a 1x1 kernel with no more outputs than inputs
 *
 * Reads up to nothing beyond its arrays; `input` and `output` at any address.
 */
#ifndef ED_NN_M4_CONV_H
#define ED_NN_M4_CONV_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"

#define ED_M4_CONV_PIXELS 3

typedef struct {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    int32_t input_zero_point;  /* [-128, 127], what padding holds */
    int32_t output_zero_point; /* [-128, 127] */
    int32_t lowest, highest;   /* the fused activation, in output steps */
    int32_t quick, rectified;  /* see ed_dsp_scale */
    int32_t paired;            /* how two channels share a weight, see above */
} ed_m4_conv_shape;

/* Sums of two output channels for three pixels. */
typedef struct {
    uint32_t even[ED_M4_CONV_PIXELS], odd[ED_M4_CONV_PIXELS];
} ed_m4_conv_sums;

/* One weight word against three pixels: four loads, one or two SXTB16, six SMLAD.
 *
 * The loop takes all 14 registers that GCC has to give. clang keeps one of them as frame pointer
 * and one for itself: there the third pixel is loaded where the first was, one cycle later, and
 * the end of the loop stays in memory. */
#if defined(__clang__)
#define ED_M4_CONV_THIRD_EARLY(n)
#define ED_M4_CONV_THIRD_LATE(n) "ldr %[x0], [%[x], #12*" #n "+8]\n\t"
#define ED_M4_CONV_THIRD "%[x0]"
#define ED_M4_CONV_THIRD_OPERAND
#define ED_M4_CONV_COMPARE "ldr %[a], %[end]\n\tcmp %[x], %[a]\n\t"
#define ED_M4_CONV_END(last) [end] "m"(last)
#else
#define ED_M4_CONV_THIRD_EARLY(n) "ldr %[x2], [%[x], #12*" #n "+8]\n\t"
#define ED_M4_CONV_THIRD_LATE(n)
#define ED_M4_CONV_THIRD "%[x2]"
#define ED_M4_CONV_THIRD_OPERAND , [x2] "=&r"(x2)
#define ED_M4_CONV_COMPARE "cmp %[x], %[end]\n\t"
#define ED_M4_CONV_END(last) [end] "r"(last)
#endif

#define ED_M4_CONV_STEP(n, odd_channel)                          \
    "ldr %[a], [%[w], #4*" #n "]\n\t"                            \
    "ldr %[x0], [%[x], #12*" #n "]\n\t"                          \
    "ldr %[x1], [%[x], #12*" #n "+4]\n\t"                        \
    ED_M4_CONV_THIRD_EARLY(n)                                    \
    "sxtb16 %[t], %[a]\n\t" odd_channel                          \
    "smlad %[e0], %[t], %[x0], %[e0]\n\t"                        \
    "smlad %[o0], %[a], %[x0], %[o0]\n\t"                        \
    ED_M4_CONV_THIRD_LATE(n)                                     \
    "smlad %[e1], %[t], %[x1], %[e1]\n\t"                        \
    "smlad %[o1], %[a], %[x1], %[o1]\n\t"                        \
    "smlad %[e2], %[t], " ED_M4_CONV_THIRD ", %[e2]\n\t"         \
    "smlad %[o2], %[a], " ED_M4_CONV_THIRD ", %[o2]\n\t"
#define ED_M4_CONV_TWO(n, m, odd) ED_M4_CONV_STEP(n, odd) ED_M4_CONV_STEP(m, odd)
#define ED_M4_CONV_EIGHT(odd)                                                        \
    ED_M4_CONV_TWO(0, 1, odd) ED_M4_CONV_TWO(2, 3, odd) ED_M4_CONV_TWO(4, 5, odd)    \
    ED_M4_CONV_TWO(6, 7, odd)

/* A whole loop, `steps` weight words to a round, until %[x] is `last`. */
#define ED_M4_CONV_LOOP(body, steps, last)                                                   \
    __asm__ volatile("1:\n\t" body                                                           \
                     "add %[w], %[w], #4*" #steps "\n\t"                                     \
                     "add %[x], %[x], #12*" #steps "\n\t" ED_M4_CONV_COMPARE                 \
                     "bne 1b\n\t"                                                            \
                     : [w] "+r"(w), [x] "+r"(x), [e0] "+r"(e0), [e1] "+r"(e1),               \
                       [e2] "+r"(e2), [o0] "+r"(o0), [o1] "+r"(o1), [o2] "+r"(o2),           \
                       [a] "=&r"(a), [t] "=&r"(t), [x0] "=&r"(x0),                           \
                       [x1] "=&r"(x1) ED_M4_CONV_THIRD_OPERAND                               \
                     : ED_M4_CONV_END(last)                                                  \
                     : "cc", "memory")

/* The second channel's factors: the word as it is, or its odd bytes. */
#define ED_M4_CONV_PAIRED
#define ED_M4_CONV_BYTES "sxtb16 %[a], %[a], ror #8\n\t"

/* All taps of two output channels against three pixels. `w`: their words; `x`: the columns. */
ED_INLINE ed_m4_conv_sums ed_m4_conv_dot(int32_t fours, int32_t paired, const uint32_t *w,
                                         const uint32_t *x, uint32_t even_bias,
                                         uint32_t odd_bias)
{
    /* Paired, the odd sums come as 256 * odd + even; the bias of even is in both. */
    uint32_t e0 = even_bias, e1 = even_bias, e2 = even_bias;
    uint32_t o0 = paired ? even_bias : odd_bias, o1 = o0, o2 = o0;
    uint32_t a, t, x0, x1;
#if !defined(__clang__)
    uint32_t x2;
#endif
    const uint32_t *const end = x + fours * 2 * ED_M4_CONV_PIXELS;
    const uint32_t *const rounds_end = x + fours / 4 * 8 * ED_M4_CONV_PIXELS;
    if (fours >= 4) {
        if (paired) {
            ED_M4_CONV_LOOP(ED_M4_CONV_EIGHT(ED_M4_CONV_PAIRED), 8, rounds_end);
        } else {
            ED_M4_CONV_LOOP(ED_M4_CONV_EIGHT(ED_M4_CONV_BYTES), 8, rounds_end);
        }
    }
    if (fours % 4 != 0) {
        if (paired) {
            ED_M4_CONV_LOOP(ED_M4_CONV_TWO(0, 1, ED_M4_CONV_PAIRED), 2, end);
        } else {
            ED_M4_CONV_LOOP(ED_M4_CONV_TWO(0, 1, ED_M4_CONV_BYTES), 2, end);
        }
    }
    ed_m4_conv_sums sums = {{e0, e1, e2}, {o0, o1, o2}};
    if (paired) {
        for (int j = 0; j < ED_M4_CONV_PIXELS; ++j) {
            const int32_t both = (int32_t)(sums.odd[j] - sums.even[j]);
            sums.odd[j] = odd_bias + (uint32_t)(both >> 8);
        }
    }
    return sums;
}

/* Widen `fours` times four bytes into one pixel's column; the column's other pixels lie between.
 * Returns where the column goes on. */
ED_INLINE uint32_t *ed_m4_conv_widen(uint32_t *column, const int8_t *bytes, int32_t fours)
{
    do {
        const uint32_t word = ed_dsp_load(bytes);
        bytes += 4;
        column[0] = ed_dsp_sxtb16(word);
        column[ED_M4_CONV_PIXELS] = ed_dsp_sxtb16_odd(word);
        column += 2 * ED_M4_CONV_PIXELS;
    } while (--fours > 0);
    return column;
}

/* Copy or fill bytes; small enough not to be worth a library call. */
ED_INLINE int8_t *ed_m4_conv_gather(int8_t *to, const int8_t *from, int32_t fill, int32_t bytes)
{
    for (int32_t i = 0; i < bytes; ++i) {
        *to++ = from != 0 ? from[i] : (int8_t)fill;
    }
    return to;
}

/* One pixel's patch as bytes, tap by tap: for kernel rows that do not come in fours, and for
 * those that reach over the edge. Handles kernel rows [first, last). Returns the end. */
ED_INLINE int8_t *ed_m4_conv_patch(const ed_m4_conv_shape *s, const int8_t *input, int8_t *to,
                                   int32_t first, int32_t last, int32_t top, int32_t left)
{
    const int32_t channels = s->input_channels;
    const int32_t run = s->dilation_x == 1 ? s->kernel_width * channels : channels;
    const int32_t reach = (s->kernel_width - 1) * s->dilation_x;
    for (int32_t ky = first; ky < last; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        const int8_t *row =
            y >= 0 && y < s->input_height ? input + y * s->input_width * channels : 0;
        if (row != 0 && s->dilation_x == 1 && left >= 0 && left + reach < s->input_width) {
            to = ed_m4_conv_gather(to, row + left * channels, 0, run);
            continue;
        }
        for (int32_t kx = 0; kx < s->kernel_width; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int8_t *from = row != 0 && x >= 0 && x < s->input_width ? row + x * channels : 0;
            to = ed_m4_conv_gather(to, from, s->input_zero_point, channels);
        }
    }
    return to;
}

/* Fill one pixel's column, the patch whose first tap is at (top, left). */
ED_INLINE void ed_m4_conv_column(const ed_m4_conv_shape *s, const int8_t *input, uint32_t *column,
                                 int8_t *bytes, int32_t top, int32_t left)
{
    const int32_t channels = s->input_channels;
    const int32_t run = s->dilation_x == 1 ? s->kernel_width * channels : channels;
    const int32_t runs = s->dilation_x == 1 ? 1 : s->kernel_width;
    if (run % 4 != 0) {
        const int32_t taps = s->kernel_height * s->kernel_width * channels;
        ed_m4_conv_patch(s, input, bytes, 0, s->kernel_height, top, left);
        ed_m4_conv_widen(column, bytes, (taps + 3) / 4);
        return;
    }
    /* Where no window reaches over an edge, these are constants, and the tests below vanish. */
    const int inside_y = s->pad_top == 0 && (s->output_height - 1) * s->stride_y +
                                                    (s->kernel_height - 1) * s->dilation_y <
                                                s->input_height;
    const int inside_x = s->pad_left == 0 && (s->output_width - 1) * s->stride_x +
                                                     (s->kernel_width - 1) * s->dilation_x <
                                                 s->input_width;
    const uint32_t fill = (uint32_t)(s->input_zero_point & 0xffff) * 0x10001u;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        if (!inside_y && (y < 0 || y >= s->input_height)) {
            for (int32_t i = 0; i < run * runs / 2; ++i) {
                *column = fill;
                column += ED_M4_CONV_PIXELS;
            }
            continue;
        }
        const int8_t *row = input + y * s->input_width * channels;
        for (int32_t kx = 0; kx < runs; ++kx) {
            const int32_t x = left + kx * s->dilation_x;
            const int32_t end = x + run / channels;
            if (inside_x || (x >= 0 && end <= s->input_width)) {
                column = ed_m4_conv_widen(column, row + x * channels, run / 4);
                continue;
            }
            /* Over the left or right edge: tap by tap, the halves in the order of SXTB16. */
            for (int32_t i = 0; i < run; ++i) {
                const int32_t at = x * channels + i;
                const int in = at >= 0 && at < s->input_width * channels;
                ed_dsp_half *half = (ed_dsp_half *)(column + (i & 1) * ED_M4_CONV_PIXELS);
                half[(i >> 1) & 1] = (int16_t)(in ? row[at] : s->input_zero_point);
                column += (i & 3) == 3 ? 2 * ED_M4_CONV_PIXELS : 0;
            }
        }
    }
}

ED_INLINE void ed_m4_conv(const ed_m4_conv_shape *s, const int8_t *input, const uint32_t *weights,
                          const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                          int8_t *output, uint32_t *scratch)
{
    const ed_dsp_scale scale = {s->output_zero_point, s->lowest, s->highest, s->quick,
                                s->rectified};
    const int32_t outputs = s->output_channels;
    const int32_t fours = (s->kernel_height * s->kernel_width * s->input_channels + 3) / 4;
    int8_t *const bytes = (int8_t *)(scratch + fours * 2 * ED_M4_CONV_PIXELS);
    const int32_t pixels = s->batches * s->output_height * s->output_width;
    int32_t y = 0, x = 0;
    for (int32_t pixel = 0; pixel < pixels; pixel += ED_M4_CONV_PIXELS) {
        const int32_t count =
            pixels - pixel < ED_M4_CONV_PIXELS ? pixels - pixel : ED_M4_CONV_PIXELS;
        for (int32_t j = 0; j < count; ++j) {
            ed_m4_conv_column(s, input, scratch + j, bytes, y * s->stride_y - s->pad_top,
                              x * s->stride_x - s->pad_left);
            if (++x == s->output_width) {
                x = 0;
                if (++y == s->output_height) {
                    y = 0;
                    input += s->input_height * s->input_width * s->input_channels;
                }
            }
        }
        /* Pixels beyond the last are computed from what is left in their columns, written where
         * pixel 0 goes, and overwritten by it. */
        int8_t *const out0 = output;
        int8_t *const out1 = output + (count > 1 ? outputs : 0);
        int8_t *const out2 = output + (count > 2 ? 2 * outputs : 0);
        const uint32_t *words = weights;
        for (int32_t o = 0; o < outputs; o += 2) {
            const int32_t odd = o + 1 < outputs ? o + 1 : o;
            const ed_m4_conv_sums sums = ed_m4_conv_dot(fours, s->paired, words, scratch,
                                                        (uint32_t)bias[o], (uint32_t)bias[odd]);
            const ed_dsp_channel a = ed_dsp_prepare(&scale, multiplier[o], shift[o]);
            out2[o] = (int8_t)ed_dsp_requantize(&scale, a, sums.even[2]);
            out1[o] = (int8_t)ed_dsp_requantize(&scale, a, sums.even[1]);
            out0[o] = (int8_t)ed_dsp_requantize(&scale, a, sums.even[0]);
            if (o + 1 < outputs) {
                const ed_dsp_channel b = ed_dsp_prepare(&scale, multiplier[odd], shift[odd]);
                out2[odd] = (int8_t)ed_dsp_requantize(&scale, b, sums.odd[2]);
                out1[odd] = (int8_t)ed_dsp_requantize(&scale, b, sums.odd[1]);
                out0[odd] = (int8_t)ed_dsp_requantize(&scale, b, sums.odd[0]);
            }
            words += 2 * fours;
        }
        output += count * outputs;
    }
}

#endif
