#include "app/ed_tensor.h"

#include <stddef.h>

static uint32_t element_bytes(ed_dtype dtype)
{
    switch (dtype) {
    case ED_DTYPE_FLOAT32:
    case ED_DTYPE_INT32:
        return 4;
    case ED_DTYPE_INT16:
        return 2;
    case ED_DTYPE_INT64:
        return 8;
    default:
        return 1;
    }
}

const char *ed_tensor_type_name(ed_dtype dtype)
{
    static const char *const names[] = {"float32", "int8", "uint8", "int16",
                                        "int32",   "bool", "int64"};

    return names[dtype];
}

uint32_t ed_tensor_elements(const ed_model_tensor *tensor)
{
    return tensor->bytes / element_bytes(tensor->dtype);
}

float ed_tensor_get(const ed_model_tensor *tensor, const void *data, uint32_t i)
{
    int32_t stored;

    switch (tensor->dtype) {
    case ED_DTYPE_FLOAT32:
        return ((const float *)data)[i];
    case ED_DTYPE_INT8:
        stored = ((const int8_t *)data)[i];
        break;
    case ED_DTYPE_INT16:
        stored = ((const int16_t *)data)[i];
        break;
    case ED_DTYPE_INT32:
        stored = ((const int32_t *)data)[i];
        break;
    case ED_DTYPE_INT64: /* the low word: what a board counts fits there, an index above all */
        stored = ((const int32_t *)data)[2 * i];
        break;
    default: /* uint8 and bool */
        stored = ((const uint8_t *)data)[i];
        break;
    }
    if (tensor->scale == 0.0f) {
        return (float)stored;
    }
    /* Fits in 32 bits: an int32 tensor has zero point 0 (TensorFlow Lite's quantization
     * specification), and a broken one wraps rather than being undefined. */
    return tensor->scale * (float)(int32_t)((uint32_t)stored - (uint32_t)tensor->zero_point);
}

/* value, rounded half away from zero, + zero_point, clamped to [least, most]. No 64-bit float: the
 * conversion of a float to 64 bits would bring double arithmetic, 1,900 bytes of library. */
static int32_t to_integer(float value, int32_t zero_point, int32_t least, int32_t most)
{
    int64_t shifted;
    int32_t whole;
    float rest;

    if (value != value) { /* not a number */
        value = 0.0f;
    }
    if (value >= 0x1p31f) {
        return most;
    }
    if (value < -0x1p31f) {
        return least;
    }
    whole = (int32_t)value; /* towards zero */
    rest = value - (float)whole;
    if (rest >= 0.5f) {
        whole++; /* cannot overflow: from 2^23 on there is no rest */
    } else if (rest <= -0.5f) {
        whole--;
    }
    shifted = (int64_t)whole + zero_point; /* integer arithmetic: cheap, and cannot overflow */
    return shifted > most ? most : shifted < least ? least : (int32_t)shifted;
}

void ed_tensor_set(const ed_model_tensor *tensor, void *data, uint32_t i, float value)
{
    const float scaled = tensor->scale == 0.0f ? value : value / tensor->scale;
    const int32_t zero = tensor->zero_point;

    switch (tensor->dtype) {
    case ED_DTYPE_FLOAT32:
        ((float *)data)[i] = value != value ? 0.0f : value;
        break;
    case ED_DTYPE_INT8:
        ((int8_t *)data)[i] = (int8_t)to_integer(scaled, zero, INT8_MIN, INT8_MAX);
        break;
    case ED_DTYPE_UINT8:
        ((uint8_t *)data)[i] = (uint8_t)to_integer(scaled, zero, 0, UINT8_MAX);
        break;
    case ED_DTYPE_INT16:
        ((int16_t *)data)[i] = (int16_t)to_integer(scaled, zero, INT16_MIN, INT16_MAX);
        break;
    case ED_DTYPE_INT32:
        ((int32_t *)data)[i] = to_integer(scaled, zero, INT32_MIN, INT32_MAX);
        break;
    case ED_DTYPE_INT64: {
        int32_t *const words = (int32_t *)data + 2 * i;
        words[0] = to_integer(scaled, zero, INT32_MIN, INT32_MAX);
        words[1] = words[0] < 0 ? -1 : 0;
        break;
    }
    case ED_DTYPE_BOOL:
        ((uint8_t *)data)[i] = (uint8_t)to_integer(scaled, zero, 0, 1);
        break;
    }
}
