/* Numbers of one type to another, portable C99: CAST.
 *
 * Integers keep their lowest bits; a float goes towards zero and, where it is no int32, counts as
 * -2^31; a bool is whether the number is not 0.
 * input, output  [count]; overlapping as in nn/quantize.h
 * Source: tensorflow/lite/kernels/cast.cc, as x86 runs it.
 */
#ifndef ED_NN_CAST_H
#define ED_NN_CAST_H

#include <stdint.h>

#include "nn/element.h"
#include "nn/inline.h"

ED_INLINE void ed_cast_integers(ed_element from, ed_element to, int32_t count, const void *input,
                                void *output)
{
    for (int32_t i = 0; i < count; ++i) {
        ed_element_store(to, output, i, ed_element_load(from, input, i));
    }
}

ED_INLINE void ed_cast_to_float(ed_element from, int32_t count, const void *input, float *output)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (float)ed_element_load(from, input, i);
    }
}

ED_INLINE void ed_cast_from_float(ed_element to, int32_t count, const float *input, void *output)
{
    for (int32_t i = 0; i < count; ++i) {
        const int32_t x = to == ED_ELEMENT_BOOL ? input[i] != 0.0f : ed_element_truncate(input[i]);
        ed_element_store(to, output, i, x);
    }
}

/* A 64-bit integer to the nearest float: its highest 32 bits, of which the last says as well
 * whether anything is left below, are rounded as the whole would be. */
ED_INLINE float ed_cast_wide(uint32_t low, int32_t high)
{
    const uint64_t bits = (uint64_t)(uint32_t)high << 32 | low;
    uint64_t magnitude = high < 0 ? 0u - bits : bits;
    float unit = 1.0f;
    while (magnitude > UINT32_MAX) {
        magnitude = magnitude >> 1 | (magnitude & 1u);
        unit *= 2.0f;
    }
    const float rounded = (float)(uint32_t)magnitude * unit;
    return high < 0 ? -rounded : rounded;
}

ED_INLINE void ed_cast_wide_to_float(int32_t count, const uint32_t *input, float *output)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = ed_cast_wide(input[2 * i], (int32_t)input[2 * i + 1]);
    }
}

/* Of an int64 only whether it is 0: both words count. */
ED_INLINE void ed_cast_wide_to_bool(int32_t count, const uint32_t *input, uint8_t *output)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (input[2 * i] | input[2 * i + 1]) != 0u;
    }
}

#endif
