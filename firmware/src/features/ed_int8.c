#include "features/ed_int8.h"

int8_t ed_to_int8(float value, float scale, int32_t zero_point)
{
    const float scaled = value / scale;
    int32_t whole;
    float rest;

    if (scaled != scaled) { /* not a number */
        whole = 0;
    } else if (scaled >= 0x1p30f) {
        whole = 1 << 30;
    } else if (scaled <= -0x1p30f) {
        whole = -(1 << 30);
    } else {
        whole = (int32_t)scaled; /* towards zero */
        rest = scaled - (float)whole;
        whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
    }
    whole += zero_point;
    return (int8_t)(whole > INT8_MAX ? INT8_MAX : whole < INT8_MIN ? INT8_MIN : whole);
}

void ed_to_int8_all(const float *values, size_t count, float scale, int32_t zero_point, int8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = ed_to_int8(values[i], scale, zero_point);
    }
}
