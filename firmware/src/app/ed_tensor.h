/* Elements of an input or output as real numbers, whatever type they are stored in. */
#ifndef ED_TENSOR_H
#define ED_TENSOR_H

#include <stdint.h>

#include "model/ed_model.h"

/* "int8", "float32", ...: as docs/wire.md names the types. */
const char *ed_tensor_type_name(ed_dtype dtype);

uint32_t ed_tensor_elements(const ed_model_tensor *tensor);

/* Element `i` of `data`: scale * (stored - zero point) where the tensor is quantized. */
float ed_tensor_get(const ed_model_tensor *tensor, const void *data, uint32_t i);

/* Store `value` as element `i`: value / scale + zero point, rounded half away from zero, and
 * clamped to the type's range where that is not float32. Not a number is stored as zero. */
void ed_tensor_set(const ed_model_tensor *tensor, void *data, uint32_t i, float value);

#endif
