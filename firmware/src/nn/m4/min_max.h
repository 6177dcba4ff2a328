/* The lesser and the greater of two int8 operands, Cortex-M4. The same outputs as nn/min_max.h. */
#ifndef ED_NN_M4_MIN_MAX_H
#define ED_NN_M4_MIN_MAX_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/m4/dsp.h"
#include "nn/m4/quads.h"
#include "nn/min_max.h"

ED_INLINE uint32_t ed_m4_min_max_lesser(const void *shape, uint32_t first, uint32_t second)
{
    (void)shape;
    return ed_dsp_lesser4(first, second);
}

ED_INLINE uint32_t ed_m4_min_max_greater(const void *shape, uint32_t first, uint32_t second)
{
    (void)shape;
    return ed_dsp_greater4(first, second);
}

ED_INLINE void ed_m4_minimum(const ed_min_max_shape *s, const int8_t *first, const int8_t *second,
                             int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_min_max_lesser, s);
}

ED_INLINE void ed_m4_maximum(const ed_min_max_shape *s, const int8_t *first, const int8_t *second,
                             int8_t *output)
{
    ed_m4_quads_each(&s->broadcast, first, second, output, ed_m4_min_max_greater, s);
}

#endif
