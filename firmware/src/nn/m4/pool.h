/* Average and maximum pooling, int8, Cortex-M4, four channels or more. The same outputs as
 * nn/pool.h; four channels at a time.
 *
 * input, output  at any address; output may lie over `input` as with nn/pool.h
 */
#ifndef ED_NN_M4_POOL_H
#define ED_NN_M4_POOL_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/pool.h"

/* Sums of this many int8 fit 16 bits. */
#define ED_M4_POOL_SIXTEEN_BIT_TAPS 255

/* Four channels of a window's sum; `even` and `odd` are pairs of channels 0, 2 and 1, 3, to be
 * added before they leave 16 bits. */
typedef struct {
    int32_t channel[4];
    uint32_t even, odd;
    int32_t taps;
} ed_m4_pool_sums;

ED_INLINE void ed_m4_pool_add_pairs(ed_m4_pool_sums *sums)
{
    sums->channel[0] += (int16_t)(sums->even & 0xffffu);
    sums->channel[1] += (int16_t)(sums->odd & 0xffffu);
    sums->channel[2] += (int32_t)sums->even >> 16;
    sums->channel[3] += (int32_t)sums->odd >> 16;
    sums->even = sums->odd = 0;
    sums->taps = 0;
}

ED_INLINE void ed_m4_pool_add(ed_m4_pool_sums *sums, uint32_t word)
{
    sums->even = ed_dsp_sxtab16(sums->even, word);
    sums->odd = ed_dsp_sxtab16_odd(sums->odd, word);
}

/* Add `count` taps, the next one `step` bytes on. */
ED_INLINE void ed_m4_pool_add_row(ed_m4_pool_sums *sums, const int8_t *at, int32_t step,
                                  int32_t count)
{
    while (count > 0) {
        const int32_t room = ED_M4_POOL_SIXTEEN_BIT_TAPS - sums->taps;
        int32_t now = count < room ? count : room;
        count -= now;
        sums->taps += now;
        for (; now > 3; now -= 4) { /* loads in a row */
            const uint32_t a = ed_dsp_load(at), b = ed_dsp_load(at + step);
            const uint32_t c = ed_dsp_load(at + 2 * step), d = ed_dsp_load(at + 3 * step);
            ed_m4_pool_add(sums, a);
            ed_m4_pool_add(sums, b);
            ed_m4_pool_add(sums, c);
            ed_m4_pool_add(sums, d);
            at += 4 * step;
        }
        for (; now > 0; --now) {
            ed_m4_pool_add(sums, ed_dsp_load(at));
            at += step;
        }
        if (sums->taps == ED_M4_POOL_SIXTEEN_BIT_TAPS) {
            ed_m4_pool_add_pairs(sums);
        }
    }
}

/* Four channels of a window, `at` their first tap: the average, clamped. */
ED_INLINE uint32_t ed_m4_pool_average_four(const ed_pool_shape *s, const int8_t *at,
                                           int32_t rows, int32_t columns)
{
    const int32_t count = rows * columns;
    ed_m4_pool_sums sums = {{0, 0, 0, 0}, 0, 0, 0};
    if (columns == s->input_width) { /* the rows lie in a row */
        columns = count;
        rows = 1;
    }
    for (; rows > 0; --rows) {
        ed_m4_pool_add_row(&sums, at, s->channels, columns);
        at += s->input_width * s->channels;
    }
    ed_m4_pool_add_pairs(&sums);
    uint32_t four = 0;
    for (int32_t i = 3; i >= 0; --i) {
        const int32_t mean = ed_pool_mean(sums.channel[i], count);
        four = four << 8 | (uint8_t)ed_requantize_clamp(mean, s->lowest, s->highest);
    }
    return four;
}

/* Likewise the maximum. */
ED_INLINE uint32_t ed_m4_pool_max_four(const ed_pool_shape *s, const int8_t *at, int32_t rows,
                                       int32_t columns)
{
    uint32_t best = (uint32_t)(s->lowest & 0xff) * 0x01010101u;
    for (; rows > 0; --rows) {
        const int8_t *tap = at;
        for (int32_t x = 0; x < columns; ++x) {
            best = ed_dsp_greater4(best, ed_dsp_load(tap));
            tap += s->channels;
        }
        at += s->input_width * s->channels;
    }
    return ed_dsp_lesser4(best, (uint32_t)(s->highest & 0xff) * 0x01010101u);
}

/* Calls `four` for every four channels of every output, in order. */
ED_INLINE void ed_m4_pool_each(const ed_pool_shape *s, const int8_t *input, int8_t *output,
                               uint32_t (*four)(const ed_pool_shape *, const int8_t *, int32_t,
                                                int32_t))
{
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                const ed_pool_window w = ed_pool_window_at(s, y, x);
                const int8_t *at = input + (w.top * s->input_width + w.left) * s->channels;
                int8_t *const end = output + s->channels;
                while (output < end) {
                    /* Where fewer than four are left, those before them go along. */
                    const int32_t done = end - output < 4 ? 4 - (int32_t)(end - output) : 0;
                    uint32_t found = four(s, at - done, w.bottom - w.top, w.right - w.left);
                    found >>= 8 * done;
                    at += 4;
                    for (int32_t i = done; i < 4; ++i) {
                        *output++ = (int8_t)(found & 0xffu);
                        found >>= 8;
                    }
                }
            }
        }
        input += s->input_height * s->input_width * s->channels;
    }
}

ED_INLINE void ed_m4_pool_average(const ed_pool_shape *s, const int8_t *input, int8_t *output)
{
    ed_m4_pool_each(s, input, output, ed_m4_pool_average_four);
}

ED_INLINE void ed_m4_pool_max(const ed_pool_shape *s, const int8_t *input, int8_t *output)
{
    ed_m4_pool_each(s, input, output, ed_m4_pool_max_four);
}

#endif
