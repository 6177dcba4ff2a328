/* Two-dimensional convolution, int8, Cortex-M4. The same outputs as nn/conv.h.
 *
 * Two output pixels at a time: their patches are widened to int16 into `scratch`, then multiplied
 * with every output channel (nn/m4/conv_dot.h). One function serves all layers of a kind.
 *
 * words      weights, and what else nn/m4/conv_dot.h reads with them. The taps of a kernel row are
 *            one run, those of a dilated row a run each; in a run, each four taps k come as k and
 *            k+2, then k+1 and k+3; of the last one to three, the first alone, or both, or the first
 *            and the third and then the second.
 * scratch    [steps][2] words, steps as those runs give them; then, where rows reach over the edge
 *            and channels do not come in fours, one run of bytes
 * output     may lie over `input` where the bytes of two pixels never reach what later ones read
 *
 * Reads nothing beyond its arrays; `input` and `output` at any address.
 */
#ifndef ED_NN_M4_CONV_H
#define ED_NN_M4_CONV_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/conv_dot.h"
#include "nn/m4/dsp.h"
#include "nn/requantize.h"

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
} ed_m4_conv_shape;

/* What the C compiler is to know of a layer. dot: one of nn/m4/conv_dot.h; paired: its weights. */
typedef struct {
    void (*dot)(const ed_m4_conv_job *job);
    int32_t paired;
} ed_m4_conv_kind;

/* How sums that `dot` does not scale become outputs; null pointers where it does. */
typedef struct {
    const int32_t *bias, *multiplier; /* [output_channels] */
    const int8_t *shift;
} ed_m4_conv_scaling;

/* The same address, of which the compiler knows nothing: GCC 12.2, where it knows array and sizes,
 * warns of accesses beyond the array in loops that never get there. */
ED_INLINE uint32_t *ed_m4_conv_plain(uint32_t *words)
{
    __asm__("" : "+r"(words));
    return words;
}

/* Sixteen bytes to int16, every other word of `column`. */
ED_INLINE void ed_m4_conv_widen16(uint32_t *column, const int8_t *bytes)
{
    uint32_t a, b, c, d, e;
    __asm__ volatile(
        "ldr %[a], [%[x]]\n\t"
        "ldr %[b], [%[x], #4]\n\t"
        "ldr %[c], [%[x], #8]\n\t"
        "ldr %[d], [%[x], #12]\n\t"
        "sxtb16 %[e], %[a]\n\t"
        "str %[e], [%[y]]\n\t"
        "sxtb16 %[a], %[a], ror #8\n\t"
        "str %[a], [%[y], #8]\n\t"
        "sxtb16 %[e], %[b]\n\t"
        "str %[e], [%[y], #16]\n\t"
        "sxtb16 %[b], %[b], ror #8\n\t"
        "str %[b], [%[y], #24]\n\t"
        "sxtb16 %[e], %[c]\n\t"
        "str %[e], [%[y], #32]\n\t"
        "sxtb16 %[c], %[c], ror #8\n\t"
        "str %[c], [%[y], #40]\n\t"
        "sxtb16 %[e], %[d]\n\t"
        "str %[e], [%[y], #48]\n\t"
        "sxtb16 %[d], %[d], ror #8\n\t"
        "str %[d], [%[y], #56]\n\t"
        : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e)
        : [x] "r"(bytes), [y] "r"(column)
        : "memory");
}

/* A run of bytes to int16, every other word of `column`. Returns where the column goes on. */
ED_INLINE uint32_t *ed_m4_conv_widen(uint32_t *column, const int8_t *bytes, int32_t count)
{
    for (int32_t n = count >> 4; n > 0; --n) {
        ed_m4_conv_widen16(column, bytes);
        bytes += 16;
        column += 8 * ED_M4_CONV_PIXELS;
    }
    for (int32_t n = (count >> 2) & 3; n > 0; --n) {
        const uint32_t word = ed_dsp_load(bytes);
        column[0] = ed_dsp_sxtb16(word);
        column[ED_M4_CONV_PIXELS] = ed_dsp_sxtb16_odd(word);
        bytes += 4;
        column += 2 * ED_M4_CONV_PIXELS;
    }
    if (count & 2) {
        const uint32_t second = (uint32_t)(count & 1 ? bytes[2] : bytes[1]);
        *column = ((uint32_t)bytes[0] & 0xffffu) | second << 16;
        column += ED_M4_CONV_PIXELS;
        ++bytes;
    }
    if (count & 1) {
        *column = (uint32_t)*bytes;
        column += ED_M4_CONV_PIXELS;
    }
    return column;
}

/* `count` taps beyond the edge. Returns where the column goes on. */
ED_INLINE uint32_t *ed_m4_conv_fill(uint32_t *column, int32_t zero_point, int32_t count)
{
    const uint32_t pair = (uint32_t)(zero_point & 0xffff) * 0x10001u;
    for (int32_t n = (count + 1) >> 1; n > 0; --n) {
        *column = pair;
        column += ED_M4_CONV_PIXELS;
    }
    return column;
}

/* A run of `taps` pixels of one row, of which [first, last) are inside; `row` is where the first
 * of all would be. Returns where the column goes on. */
ED_INLINE uint32_t *ed_m4_conv_edge(const ed_m4_conv_shape *s, const int8_t *row, uint32_t *column,
                                    int8_t *bytes, int32_t taps, int32_t first, int32_t last)
{
    const int32_t channels = s->input_channels;
    if (channels % 4 == 0) {
        column = ed_m4_conv_fill(column, s->input_zero_point, first * channels);
        column = ed_m4_conv_widen(column, row + first * channels, (last - first) * channels);
        return ed_m4_conv_fill(column, s->input_zero_point, (taps - last) * channels);
    }
    for (int32_t i = 0; i < taps * channels; ++i) {
        const int inside = i >= first * channels && i < last * channels;
        bytes[i] = inside ? row[i] : (int8_t)s->input_zero_point;
    }
    return ed_m4_conv_widen(column, bytes, taps * channels);
}

/* Fill one pixel's column, the patch whose first tap is at (top, left). */
ED_INLINE void ed_m4_conv_column(const ed_m4_conv_shape *s, const int8_t *input, uint32_t *column,
                                 int8_t *bytes, int32_t top, int32_t left)
{
    const int32_t channels = s->input_channels;
    const int32_t width = s->input_width;
    const int32_t taps = s->dilation_x == 1 ? s->kernel_width : 1;
    const int32_t run = taps * channels;
    const int32_t right = left + s->kernel_width * s->dilation_x;
    for (int32_t ky = 0; ky < s->kernel_height; ++ky) {
        const int32_t y = top + ky * s->dilation_y;
        const int8_t *const row = input + y * width * channels;
        for (int32_t x = left; x < right; x += taps * s->dilation_x) {
            const int32_t first = x < 0 ? -x : 0;
            const int32_t last = x + taps > width ? width - x : taps;
            if (y < 0 || y >= s->input_height || first >= last) {
                column = ed_m4_conv_fill(column, s->input_zero_point, run);
            } else if (last - first == taps) {
                column = ed_m4_conv_widen(column, row + x * channels, run);
            } else {
                column = ed_m4_conv_edge(s, row + x * channels, column, bytes, taps, first, last);
            }
        }
    }
}

ED_INLINE ed_m4_conv_job ed_m4_conv_begin(const ed_m4_conv_shape *s, int32_t paired, int32_t steps,
                                          const uint32_t *words, const uint32_t *columns)
{
    const uint32_t ahead = (uint32_t)(steps - 1) % ED_M4_CONV_ROUND;
    ed_m4_conv_job job;
    job.words = words;
    job.column = (uint32_t)(uintptr_t)columns + 4 * ED_M4_CONV_PIXELS * ahead;
    job.column_end = (uint32_t)(uintptr_t)columns +
                     4 * ED_M4_CONV_PIXELS * (uint32_t)(steps + ED_M4_CONV_ROUND - 1);
    job.four_skip = ED_M4_CONV_FOUR_CODE(paired) * ahead - 1; /* and 1 for Thumb code */
    job.four_ahead = 4 * (4 + 2 * ahead);
    job.two_skip = ED_M4_CONV_TWO_CODE(paired) * ahead - 1; /* and 1 for Thumb code */
    job.two_ahead = 4 * (2 + ahead);
    job.left = s->output_channels - 4;
    job.zero = 2 * s->output_zero_point + 1;
    return job;
}

/* Outputs of `count` pixels whose columns are there, where `dot` gives sums: sixteen channels at a
 * time. */
ED_INLINE void ed_m4_conv_scale(const ed_m4_conv_shape *s, ed_m4_conv_kind kind,
                                const ed_m4_conv_scaling *scaling, ed_m4_conv_job job,
                                int32_t steps, int8_t *output, int32_t count)
{
    int32_t sums[ED_M4_CONV_PIXELS][ED_M4_CONV_CHUNK];
    const int32_t outputs = s->output_channels;
    for (int32_t begin = 0; begin < outputs; begin += ED_M4_CONV_CHUNK) {
        const int32_t channels =
            outputs - begin < ED_M4_CONV_CHUNK ? outputs - begin : ED_M4_CONV_CHUNK;
        job.left = channels - 4;
        job.out[0] = sums[0];
        job.out[1] = sums[1];
        kind.dot(&job);
        job.words += ED_M4_CONV_CHUNK / 2 * (steps + 2);
        for (int32_t pixel = 0; pixel < count; ++pixel) {
            for (int32_t i = 0; i < channels; ++i) {
                const int32_t o = begin + i;
                const uint32_t sum = (uint32_t)sums[pixel][i] + (uint32_t)scaling->bias[o];
                output[pixel * outputs + o] = ed_requantize_int8(
                    (int32_t)sum, scaling->multiplier[o], scaling->shift[o], s->output_zero_point,
                    s->lowest, s->highest);
            }
        }
    }
}

/* Outputs of `count` pixels whose columns are there. Returns where the output goes on. */
ED_INLINE int8_t *ed_m4_conv_pixels(const ed_m4_conv_shape *s, ed_m4_conv_kind kind,
                                    const ed_m4_conv_scaling *scaling, ed_m4_conv_job *job,
                                    int32_t steps, int8_t *output, int32_t count)
{
    const int32_t outputs = job->left + 4;
    if (scaling->bias != 0) {
        ed_m4_conv_scale(s, kind, scaling, *job, steps, output, count);
    } else {
        job->out[0] = output;
        job->out[1] = output + (count - 1) * outputs;
        kind.dot(job);
    }
    return output + count * outputs;
}

/* Kernels of one pixel that step by one, without padding: columns are stretches of the input. */
ED_INLINE void ed_m4_conv_pointwise(const ed_m4_conv_shape *s, ed_m4_conv_kind kind,
                                    ed_m4_conv_scaling scaling, const int8_t *input,
                                    int8_t *output, const uint32_t *words, uint32_t *scratch)
{
    const int32_t channels = s->input_channels;
    const int32_t steps = (channels + 1) / 2;
    uint32_t *const columns = ed_m4_conv_plain(scratch);
    ed_m4_conv_job job = ed_m4_conv_begin(s, kind.paired, steps, words, columns);
    int32_t pixels = s->batches * s->output_height * s->output_width;
    for (; pixels > 0; pixels -= ED_M4_CONV_PIXELS) {
        const int32_t count = pixels > 1 ? 2 : 1;
        for (int32_t j = 0; j < count; ++j) {
            ed_m4_conv_widen(columns + j, input, channels);
            input += channels;
        }
        output = ed_m4_conv_pixels(s, kind, &scaling, &job, steps, output, count);
    }
}

/* Any kernel. */
ED_INLINE void ed_m4_conv(const ed_m4_conv_shape *s, ed_m4_conv_kind kind,
                          ed_m4_conv_scaling scaling, const int8_t *input, int8_t *output,
                          const uint32_t *words, uint32_t *scratch)
{
    const int32_t taps = s->dilation_x == 1 ? s->kernel_width : 1;
    const int32_t run_steps = (taps * s->input_channels + 1) / 2;
    const int32_t steps = s->kernel_height * (s->kernel_width / taps) * run_steps;
    uint32_t *const columns = ed_m4_conv_plain(scratch);
    int8_t *const bytes = (int8_t *)(columns + steps * ED_M4_CONV_PIXELS);
    ed_m4_conv_job job = ed_m4_conv_begin(s, kind.paired, steps, words, columns);
    const int32_t top_end = s->output_height * s->stride_y - s->pad_top;
    const int32_t left_end = s->output_width * s->stride_x - s->pad_left;
    int32_t ready = 0;
    for (int32_t batch = s->batches; batch > 0; --batch) {
        for (int32_t top = -s->pad_top; top < top_end; top += s->stride_y) {
            for (int32_t left = -s->pad_left; left < left_end; left += s->stride_x) {
                ed_m4_conv_column(s, input, columns + ready, bytes, top, left);
                if (++ready == ED_M4_CONV_PIXELS) {
                    output = ed_m4_conv_pixels(s, kind, &scaling, &job, steps, output, ready);
                    ready = 0;
                }
            }
        }
        input += s->input_height * s->input_width * s->input_channels;
    }
    if (ready > 0) {
        ed_m4_conv_pixels(s, kind, &scaling, &job, steps, output, ready);
    }
}

#endif
