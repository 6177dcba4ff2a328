/* Depthwise convolution, int8, Cortex-M4: 3x3, stride 1 or 2.
 * The same outputs as nn/depthwise.h.
 *
 * Two channels at a time, and a band of rows of them: the band is copied out, widened to int16 and
 * padded, two rows of a column to a word; then SMLAD takes two taps at once, down the columns.
 *
 * weights    [channels * multiples][3 columns][3 rows] int8
 * scratch    [(output_width - 1) * stride + 3][words][2 channels] words, each a pair of rows;
 *            without `single_shift`, then the sums of a pass: [output_width][4, or 2 with stride 2]
 * output     [batches, output_height, output_width, channels * multiples] int8; may be `input` with
 *            one multiple: a band of a channel is read before it is written, and lies where the
 *            channel's inputs were, never behind what has been read
 *
 * `words`, of a column, is odd and at least 3: a band takes 2 * words - 2 input rows, four at a
 * time, and the last word holds the two rows that the next band needs again.
 *
 * With `single_shift` an output is (bias + products) * multiplier / 2^32 + round + 2^(shift - 2),
 * cut off, then shifted right by ED_M4_DEPTHWISE_SHIFT and limited to int8; round is half a step
 * and the output's zero point. The compiler (ops/single_shift.py) proves for each channel that this
 * is what ed_requantize_int8 gives.
 *   shift      [channels * multiples] int8 in [0, 8]: how far a channel's weights go left, so that
 *              one shift right is right for all channels
 *   bias       [channels * multiples] int32, in the same steps as the products of those weights
 *   multiplier [channels * multiples] int32, 0 or above
 * Otherwise bias, multiplier and shift are as nn/depthwise.h has them.
 *
 * The loops are in nn/m4/depthwise_loops.h.
 */
#ifndef ED_NN_M4_DEPTHWISE_3X3_H
#define ED_NN_M4_DEPTHWISE_3X3_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/depthwise_loops.h"
#include "nn/m4/dsp.h"

/* One channel of a band without `single_shift`: the sums of a pass, then its outputs. quick: as the
 * shape's, and outputs are all int8. */
ED_INLINE void ed_m4_depthwise_outputs(const ed_m4_depthwise_3x3_shape *s,
                                       const ed_m4_depthwise_channel *channel,
                                       const ed_m4_depthwise_band *band,
                                       ed_m4_depthwise_loops sums_of, int32_t quick)
{
    const ed_dsp_scale any = {s->output_zero_point, s->lowest, s->highest, s->quick, 0};
    const ed_dsp_scale plain = {s->output_zero_point, INT8_MIN, INT8_MAX, 1, 0};
    const ed_dsp_scale *const scale = quick ? &plain : &any;
    const ed_dsp_channel c = ed_dsp_prepare(scale, channel->multiplier, channel->round);
    const int32_t block = s->stride == 1 ? 4 : 2;
    ed_m4_depthwise_band pass = *band;
    int8_t *output = band->to;
    pass.to = (int8_t *)(void *)band->sums;
    for (int32_t left = band->rows; left > 0; left -= block) {
        sums_of(s, channel, &pass);
        for (int32_t i = 0; i < block && i < left; ++i) {
            const uint32_t *sum = band->sums + i;
            int8_t *to = output;
            for (int32_t x = s->output_width; x > 0; --x) {
                *to = (int8_t)ed_dsp_requantize(scale, c, *sum);
                sum += block;
                to += band->pixel;
            }
            output += band->row;
        }
        pass.words += 4;
        pass.end += 4;
    }
}

/* The smaller of two sizes. */
ED_INLINE int32_t ed_m4_depthwise_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Every column's last words become its first. */
ED_INLINE void ed_m4_depthwise_keep(uint32_t *planes, int32_t columns, int32_t words)
{
    const uint32_t *last = planes + 2 * words - 2;
    for (; columns > 0; --columns) {
        const uint32_t a = last[0], b = last[1];
        planes[0] = a;
        planes[1] = b;
        planes += 2 * words;
        last += 2 * words;
    }
}

/* Copy two channels: `count` words of each column, to the first of which points `to`; its upper row
 * is row y of the input, -1 for a row of padding. */
ED_INLINE void ed_m4_depthwise_fill(const ed_m4_depthwise_3x3_shape *s, ed_m4_depthwise_rows *r,
                                    const int8_t *input, int32_t y, int32_t count, uint32_t *to)
{
    const uint32_t over = (uint32_t)y >> 31;
    const uint32_t inside = (uint32_t)ed_m4_depthwise_least(2 * count, s->input_height - y);
    const uint32_t rows = inside - 2 * over; /* after the word that has the upper padding */
    const uint32_t used = (inside + 1) / 2;
    const uint32_t under = used < (uint32_t)count && (rows & 1) == 0;
    r->from = input + (y + (int32_t)over) * r->row;
    r->next = s->channels - (int32_t)(inside - over) * r->row;
    r->to = to;
    r->counts = over << 31 | (rows & 3) << 29 | under << 28 | rows >> 2;
    r->back = 8 * (s->words - (int32_t)(used + under));
    ed_m4_depthwise_copy(r);
}

/* One channel's weights and constants. */
ED_INLINE void ed_m4_depthwise_prepare(const ed_m4_depthwise_3x3_shape *s,
                                       ed_m4_depthwise_channel *c, const int8_t *w, int32_t bias,
                                       int32_t multiplier, int32_t shift)
{
    const int32_t left = s->single_shift != 0 ? shift : 0;
    const int32_t half = (2 * s->output_zero_point + 1) * (1 << (ED_M4_DEPTHWISE_SHIFT - 1));
    c->bias = bias;
    c->multiplier = multiplier;
    c->round = s->single_shift != 0 ? half + (1 << shift >> 2) : shift;
    for (uint32_t *to = c->weights; to < c->weights + 6; to += 2) {
        const uint32_t top = (uint32_t)w[0] << left, middle = (uint32_t)w[1] << left;
        to[0] = ed_dsp_pack(top, middle);
        to[1] = ed_dsp_pack(middle, (uint32_t)w[2] << left);
        w += 3;
    }
}

#define ED_M4_DEPTHWISE_OUTPUTS(name, sums, quick)                         \
    static inline void name(const ed_m4_depthwise_3x3_shape *s,            \
                            const ed_m4_depthwise_channel *channel,        \
                            const ed_m4_depthwise_band *band)              \
    {                                                                      \
        ed_m4_depthwise_outputs(s, channel, band, sums, quick);            \
    }
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_quick_1_7, ed_m4_depthwise_sums_1_7, 1)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_quick_1_15, ed_m4_depthwise_sums_1_15, 1)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_quick_2_7, ed_m4_depthwise_sums_2_7, 1)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_quick_2_15, ed_m4_depthwise_sums_2_15, 1)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_any_1_7, ed_m4_depthwise_sums_1_7, 0)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_any_1_15, ed_m4_depthwise_sums_1_15, 0)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_any_2_7, ed_m4_depthwise_sums_2_7, 0)
ED_M4_DEPTHWISE_OUTPUTS(ed_m4_depthwise_any_2_15, ed_m4_depthwise_sums_2_15, 0)

/* The same with one channel: only the first plane. */
ED_INLINE void ed_m4_depthwise_fill_one(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                                        int32_t y, int32_t count, int32_t columns, uint32_t *to)
{
    for (int32_t i = 0; i < 2 * count; ++i) {
        const int in = y >= 0 && y < s->input_height;
        const int8_t *from = input + (in ? y * s->input_width : 0);
        ed_dsp_half *half = (ed_dsp_half *)(void *)(to + i / 2 * 2) + i % 2;
        for (int32_t x = 0; x < columns; ++x) {
            *half = (int16_t)(in ? from[x] : s->input_zero_point);
            half += 4 * s->words;
        }
        ++y;
    }
}

/* All but the loops. one: of the channels there is one. */
ED_INLINE void ed_m4_depthwise_bands(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                                     const int8_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift,
                                     int8_t *output, uint32_t *scratch,
                                     ed_m4_depthwise_loops loops, int32_t one)
{
    const int32_t channels = s->channels;
    const int32_t width = (s->output_width - 1) * s->stride + 3;
    const int32_t most = (2 * s->words - 2) / s->stride; /* output rows of a band */
    const int32_t block = s->stride == 1 ? 4 : 2;
    const int32_t planes = one ? 1 : 2;
    const int32_t end = 2 * s->output_width * s->stride * s->words;
    ed_m4_depthwise_channel channel;
    ed_m4_depthwise_band band;
    ed_m4_depthwise_rows r;
    band.pixel = channels * s->multiples;
    band.row = s->output_width * band.pixel;
    band.last = band.below = (block - 1) * band.row;
    band.back = 4 * (end - 4);
    band.sums = scratch + 2 * width * s->words;
    r.row = s->input_width * channels;
    r.three_rows = 3 * r.row;
    r.columns = ed_m4_depthwise_least(s->input_width, width - s->pad_left);
    r.fill = (uint32_t)(s->input_zero_point & 0xff) * 0x0101u;
    for (uint32_t *at = scratch; at < band.sums; ++at) {
        *at = (uint32_t)(s->input_zero_point & 0xffff) * 0x10001u;
    }
    for (int32_t b = 0; b < s->batches; ++b) {
        for (int32_t c = 0; c < channels; c += 2) {
            /* The last of an odd number goes along with its neighbour, which is done. */
            const int32_t alone = !one && c + 1 == channels;
            for (int32_t y = 0; y < s->output_height; y += most) {
                const int32_t kept = y > 0;
                band.rows = ed_m4_depthwise_least(most, s->output_height - y);
                if (kept) {
                    ed_m4_depthwise_keep(scratch, width, s->words);
                }
                const int32_t top = y * s->stride - s->pad_top + 2 * kept;
                const int32_t count = ((band.rows - 1) * s->stride + 4) / 2 - kept;
                uint32_t *const to = scratch + 2 * (s->pad_left * s->words + kept);
                if (one) {
                    ed_m4_depthwise_fill_one(s, input, top, count, r.columns, to);
                } else {
                    ed_m4_depthwise_fill(s, &r, input + c - alone, top, count, to);
                }
                const int32_t rest = band.rows & (block - 1);
                band.passes = (band.rows - rest) / block;
                band.more = rest == block - 1 ? 1 : rest != 0 ? 2 : 0;
                band.second = rest == 2 ? band.row : 0;
                int32_t o = c * s->multiples;
                for (int32_t i = alone; i < planes; ++i) {
                    band.words = scratch + i;
                    band.end = band.words + end;
                    for (int32_t m = 0; m < s->multiples; ++m) {
                        ed_m4_depthwise_prepare(s, &channel, weights + 9 * o, bias[o],
                                                multiplier[o], shift[o]);
                        band.to = output + y * band.row + o;
                        loops(s, &channel, &band);
                        ++o;
                    }
                }
            }
        }
        input += s->input_height * r.row;
        output += s->output_height * band.row;
    }
}

/* One function for all layers; and one for those of one channel. */
ED_SHARED __attribute__((unused)) void
ed_m4_depthwise_3x3(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                    const int8_t *weights, const int32_t *bias, const int32_t *multiplier,
                    const int8_t *shift, int8_t *output, uint32_t *scratch,
                    ed_m4_depthwise_loops loops)
{
    ED_KEEP();
    ed_m4_depthwise_bands(s, input, weights, bias, multiplier, shift, output, scratch, loops, 0);
}

ED_SHARED __attribute__((unused)) void
ed_m4_depthwise_3x3_one(const ed_m4_depthwise_3x3_shape *s, const int8_t *input,
                        const int8_t *weights, const int32_t *bias, const int32_t *multiplier,
                        const int8_t *shift, int8_t *output, uint32_t *scratch,
                        ed_m4_depthwise_loops loops)
{
    ED_KEEP();
    ed_m4_depthwise_bands(s, input, weights, bias, multiplier, shift, output, scratch, loops, 1);
}

#endif
