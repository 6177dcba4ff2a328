/* One byte for each byte, portable C99: activations, and what else has a table of 256.
 *
 * input, output  [count] bytes; output may be `input`, or begin before it
 * table          [256]: the output of each byte
 */
#ifndef ED_NN_LOOKUP_H
#define ED_NN_LOOKUP_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

typedef struct {
    int32_t count;
} ed_lookup_shape;

/* A table that only limits int8 values to [lowest, highest]. */
typedef struct {
    int32_t count;
    int32_t lowest, highest;
} ed_lookup_clamp;

ED_INLINE void ed_lookup(const ed_lookup_shape *s, const uint8_t *input, uint8_t *output,
                         const uint8_t *table)
{
    for (int32_t i = 0; i < s->count; ++i) {
        output[i] = table[input[i]];
    }
}

/* A table that only turns the highest bit: between int8 and uint8 of the same scale. */
ED_INLINE void ed_lookup_flipped(const ed_lookup_shape *s, const uint8_t *input, uint8_t *output)
{
    for (int32_t i = 0; i < s->count; ++i) {
        output[i] = (uint8_t)(input[i] ^ 0x80u);
    }
}

ED_INLINE void ed_lookup_clamped(const ed_lookup_clamp *s, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < s->count; ++i) {
        output[i] = (int8_t)ed_requantize_clamp(input[i], s->lowest, s->highest);
    }
}

#endif
