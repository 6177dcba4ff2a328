/* Two-dimensional convolution, int8, Cortex-M4. The same outputs as nn/conv.h.
 *
 * Two output pixels at a time: their patches become columns of int16 in `scratch`
 * (nn/m4/conv_columns.h), which are multiplied with every output channel (nn/m4/conv_dot.h). One
 * function serves all layers.
 *
 * words      weights, and what else nn/m4/conv_dot.h reads with them, taps in the order of columns
 * scratch    [steps][2] words; then, where patches reach over an edge, the bytes of one
 * output     may lie over `input` where the bytes of two pixels never reach what later ones read
 *
 * Reads nothing beyond its arrays; `input` and `output` at any address.
 */
#ifndef ED_NN_M4_CONV_H
#define ED_NN_M4_CONV_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/conv_columns.h"
#include "nn/m4/conv_dot.h"
#include "nn/m4/conv_shape.h"
#include "nn/requantize.h"

/* How a layer's columns become outputs. finish: ed_m4_conv_<paired or bytes>_<rectified, signed or
 * scaled>; the last wants bias, multiplier and shift, [output_channels] each. */
typedef struct {
    void (*finish)(const ed_m4_conv_job *job);
    int32_t paired; /* its weights, see nn/m4/conv_dot.h */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
} ed_m4_conv_kind;

/* A layer at work. */
typedef struct {
    ed_m4_conv_job job; /* first: what `finish` is given */
    const ed_m4_conv_outputs *outputs;
    const ed_m4_conv_kind *kind;
    void (*finish)(const ed_m4_conv_job *job); /* the kind's, in RAM */
    int32_t steps;
} ed_m4_conv_work;

ED_INLINE void ed_m4_conv_begin(ed_m4_conv_work *w, const ed_m4_conv_outputs *outputs,
                                const ed_m4_conv_kind *kind, int32_t steps, const uint32_t *words,
                                const uint32_t *columns)
{
    const uint32_t ahead = (uint32_t)(steps - 1) % ED_M4_CONV_ROUND;
    const uint32_t column = (uint32_t)(uintptr_t)columns;
    w->outputs = outputs;
    w->kind = kind;
    w->finish = kind->finish;
    w->steps = steps;
    w->job.words = words;
    w->job.column = column + 4 * ED_M4_CONV_PIXELS * ahead;
    w->job.column_end =
        column + 4 * ED_M4_CONV_PIXELS * ((uint32_t)steps + ED_M4_CONV_ROUND - 1);
    w->job.skip = ED_M4_CONV_STEP_CODE(kind->paired) * ahead - 1;
    w->job.ahead = 4 * (4 + 2 * ahead);
    w->job.left = outputs->channels - 4;
    w->job.zero = 2 * outputs->zero_point + 1;
}

/* Outputs of `count` pixels whose columns are there. Returns where the output goes on. */
ED_INLINE int8_t *ed_m4_conv_pixels(ed_m4_conv_work *w, int8_t *output, int32_t count)
{
    const int32_t outputs = w->job.left + 4;
    w->job.out[0] = output;
    w->job.out[1] = output + (count - 1) * outputs;
    w->finish(&w->job);
    return output + count * outputs;
}

/* Where `dot` gives sums: sixteen channels at a time. */
ED_INLINE void ed_m4_conv_scale(const ed_m4_conv_job *job, void (*dot)(const ed_m4_conv_job *job))
{
    const ed_m4_conv_work *const w = (const ed_m4_conv_work *)(const void *)job;
    const ed_m4_conv_outputs *const s = w->outputs;
    const int32_t outputs = s->channels;
    int32_t sums[ED_M4_CONV_PIXELS][ED_M4_CONV_CHUNK];
    ed_m4_conv_job part = *job;
    part.out[0] = sums[0];
    part.out[1] = sums[1];
    for (int32_t begin = 0; begin < outputs; begin += ED_M4_CONV_CHUNK) {
        const int32_t rest = outputs - begin;
        const int32_t channels = rest < ED_M4_CONV_CHUNK ? rest : ED_M4_CONV_CHUNK;
        part.left = (channels + 3) / 4 * 4 - 4;
        dot(&part);
        part.words += ED_M4_CONV_CHUNK / 2 * (w->steps + 2);
        /* Pixel 0 last: beyond the last pixel, pixel 1 goes where it goes. */
        for (int32_t pixel = ED_M4_CONV_PIXELS - 1; pixel >= 0; --pixel) {
            int8_t *const output = job->out[pixel];
            for (int32_t i = 0; i < channels; ++i) {
                const int32_t o = begin + i;
                const uint32_t sum = (uint32_t)sums[pixel][i] + (uint32_t)w->kind->bias[o];
                output[o] = ed_requantize_int8((int32_t)sum, w->kind->multiplier[o],
                                               w->kind->shift[o], s->zero_point, s->lowest,
                                               s->highest);
            }
        }
    }
}

static __attribute__((noinline, unused)) void ed_m4_conv_paired_scaled(const ed_m4_conv_job *job)
{
    ED_KEEP();
    ed_m4_conv_scale(job, ed_m4_conv_paired_sums);
}

static __attribute__((noinline, unused)) void ed_m4_conv_bytes_scaled(const ed_m4_conv_job *job)
{
    ED_KEEP();
    ed_m4_conv_scale(job, ed_m4_conv_bytes_sums);
}

/* The same address, of which the compiler knows nothing: GCC 12.2, where it knows array and sizes,
 * warns of accesses beyond the array in loops that never get there. */
ED_INLINE uint32_t *ed_m4_conv_plain(uint32_t *words)
{
    __asm__("" : "+r"(words));
    return words;
}

/* Kernels of one pixel that step by one, without padding: columns are stretches of the input. */
static __attribute__((noinline, unused)) void ed_m4_conv_pointwise(
    const ed_m4_conv_pointwise_shape *s, const ed_m4_conv_kind *kind, const int8_t *input,
    int8_t *output, const uint32_t *words, uint32_t *scratch)
{
    ED_KEEP();
    const int32_t channels = s->input_channels;
    const int32_t steps = (channels + 1) / 2;
    uint32_t *const columns = ed_m4_conv_plain(scratch);
    ed_m4_conv_work work;
    ed_m4_conv_begin(&work, &s->outputs, kind, steps, words, columns);
    ed_m4_conv_runs runs = ed_m4_conv_runs_of(channels, ED_M4_CONV_PIXELS, 0);
    runs.step = 4 - 4 * ED_M4_CONV_PIXELS * (uint32_t)steps; /* back, to the next pixel's */
    int32_t pixels = s->pixels;
    while (pixels >= ED_M4_CONV_PIXELS) {
        ed_m4_conv_widen(columns, input, &runs);
        input += ED_M4_CONV_PIXELS * channels;
        output = ed_m4_conv_pixels(&work, output, ED_M4_CONV_PIXELS);
        pixels -= ED_M4_CONV_PIXELS;
    }
    if (pixels > 0) {
        runs.count = 1;
        ed_m4_conv_widen(columns, input, &runs);
        ed_m4_conv_pixels(&work, output, 1);
    }
}

/* Any kernel. */
static __attribute__((noinline, unused)) void ed_m4_conv(const ed_m4_conv_shape *s,
                                                         const ed_m4_conv_kind *kind,
                                                         const int8_t *input, int8_t *output,
                                                         const uint32_t *words, uint32_t *scratch)
{
    ED_KEEP();
    const int32_t channels = s->input_channels;
    const int32_t row = s->input_width * channels;
    const int32_t taps = s->dilation_x == 1 ? s->kernel_width : 1; /* of a run */
    const int32_t run = taps * channels;
    const int32_t row_runs = s->kernel_width / taps;
    const int32_t runs = s->kernel_height * row_runs;
    const int32_t steps = runs * ((run + 1) / 2);
    /* Where a patch is inside the input, all its kernel rows are widened in one go; dilated ones
     * each in a go. */
    const int32_t goes = row_runs == 1 ? 1 : s->kernel_height;
    const int32_t pitch = row_runs == 1 ? s->dilation_y * row : s->dilation_x * channels;
    const ed_m4_conv_runs inner = ed_m4_conv_runs_of(run, runs / goes, pitch - run);
    const ed_m4_conv_runs outer = ed_m4_conv_runs_of(run, runs, 0);
    const int32_t inner_height = s->input_height - (s->kernel_height - 1) * s->dilation_y;
    const int32_t inner_width = s->input_width - (s->kernel_width - 1) * s->dilation_x;
    uint32_t *const columns = ed_m4_conv_plain(scratch);
    int8_t *const bytes = (int8_t *)(columns + steps * ED_M4_CONV_PIXELS);
    ed_m4_conv_work work;
    ed_m4_conv_begin(&work, &s->outputs, kind, steps, words, columns);
    int32_t ready = 0;
    for (int32_t batch = s->batches; batch > 0; --batch) {
        int32_t top = -s->pad_top;
        for (int32_t y = s->output_height; y > 0; --y) {
            const int32_t width = top >= 0 && top < inner_height ? inner_width : 0;
            int32_t left = -s->pad_left;
            for (int32_t x = s->output_width; x > 0; --x) {
                uint32_t *column = columns + ready;
                if (left >= 0 && left < width) {
                    const int8_t *from = input + top * row + left * channels;
                    for (int32_t i = goes; i > 0; --i) {
                        column = ed_m4_conv_widen(column, from, &inner);
                        from += s->dilation_y * row;
                    }
                } else {
                    ed_m4_conv_gather(s, input, bytes, top, left);
                    ed_m4_conv_widen(column, bytes, &outer);
                }
                if (++ready == ED_M4_CONV_PIXELS) {
                    output = ed_m4_conv_pixels(&work, output, ready);
                    ready = 0;
                }
                left += s->stride_x;
            }
            top += s->stride_y;
        }
        input += s->input_height * row;
    }
    if (ready > 0) {
        ed_m4_conv_pixels(&work, output, ready);
    }
}

#endif
