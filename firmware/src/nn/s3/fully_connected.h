/* Matrix times vector, int8, ESP32-S3. The same outputs as nn/fully_connected.h.
 *
 * weights  [outputs, vectors, 16] int8 at a 16-byte boundary: a row, zeros after it
 * scratch  16 * vectors + 12 bytes
 */
#ifndef ED_NN_S3_FULLY_CONNECTED_H
#define ED_NN_S3_FULLY_CONNECTED_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/fully_connected.h"
#include "nn/inline.h"
#include "nn/requantize.h"
#include "nn/s3/dot.h"
#include "nn/s3/patch.h"

ED_INLINE void ed_s3_fully_connected(const ed_fully_connected_shape *s, const int8_t *input,
                                     const int8_t *weights, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *output,
                                     uint32_t *scratch)
{
    const int32_t vectors = (s->inputs + ED_S3_LANES - 1) / ED_S3_LANES;
    int8_t *const x = ed_s3_aligned(scratch);
    ed_fill(vectors * ED_S3_LANES - s->inputs, 0, x + s->inputs);
    for (int32_t b = 0; b < s->batches; ++b) {
        const int8_t *row = weights;
        ed_s3_copy(s->inputs, input, x);
        for (int32_t o = 0; o < s->outputs; ++o) {
            const uint32_t sum = (uint32_t)bias[o] + ed_s3_dot((uint32_t)vectors, x, row);
            const int32_t scale = s->per_output ? o : 0;
            *output++ = ed_requantize_int8((int32_t)sum, multiplier[scale], shift[scale],
                                           s->output_zero_point, s->lowest, s->highest);
            row += vectors * ED_S3_LANES;
        }
        input += s->inputs;
    }
}

#endif
