/* Real features to a model's int8 input. */
#ifndef ED_INT8_H
#define ED_INT8_H

#include <stddef.h>
#include <stdint.h>

/* value / scale rounded half away from zero, + zero_point, clamped to int8; not a number counts
 * as 0. scale: positive. This is TensorFlow Lite's rule, and that of ed_tensor_set. */
int8_t ed_to_int8(float value, float scale, int32_t zero_point);

/* The same for `count` values. */
void ed_to_int8_all(const float *values, size_t count, float scale, int32_t zero_point,
                    int8_t *out);

#endif
