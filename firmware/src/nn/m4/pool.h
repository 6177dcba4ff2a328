/* Average pooling, int8, Cortex-M4. The same outputs as nn/pool.h; four channels at a time.
 *
 * For channels in fours and windows of at most 255 taps: sums of int8 fit 16 bits.
 * input, output  at any address; output may be `input` where there is one batch and one window
 */
#ifndef ED_NN_M4_POOL_H
#define ED_NN_M4_POOL_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/pool.h"

/* The mean of one half of a pair, clamped. */
ED_INLINE int8_t ed_m4_pool_mean(const ed_pool_shape *s, int32_t sum, int32_t count)
{
    return (int8_t)ed_requantize_clamp(ed_pool_mean(sum, count), s->lowest, s->highest);
}

ED_INLINE void ed_m4_pool_average(const ed_pool_shape *s, const int8_t *input, int8_t *output)
{
    const int32_t row = s->input_width * s->channels;
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t y = 0; y < s->output_height; ++y) {
            for (int32_t x = 0; x < s->output_width; ++x) {
                const ed_pool_window w = ed_pool_window_at(s, y, x);
                const int32_t count = (w.bottom - w.top) * (w.right - w.left);
                for (int32_t c = 0; c < s->channels; c += 4) {
                    uint32_t even = 0, odd = 0; /* pairs: channels c, c+2 and c+1, c+3 */
                    for (int32_t wy = w.top; wy < w.bottom; ++wy) {
                        const int8_t *at = input + wy * row + w.left * s->channels + c;
                        for (int32_t wx = w.left; wx < w.right; ++wx) {
                            const uint32_t word = ed_dsp_load(at);
                            even = ed_dsp_sxtab16(even, word);
                            odd = ed_dsp_sxtab16_odd(odd, word);
                            at += s->channels;
                        }
                    }
                    *output++ = ed_m4_pool_mean(s, (int16_t)(even & 0xffffu), count);
                    *output++ = ed_m4_pool_mean(s, (int16_t)(odd & 0xffffu), count);
                    *output++ = ed_m4_pool_mean(s, (int32_t)even >> 16, count);
                    *output++ = ed_m4_pool_mean(s, (int32_t)odd >> 16, count);
                }
            }
        }
        input += s->input_height * row;
    }
}

#endif
