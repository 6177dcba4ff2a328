/* The sum of products of two rows of int8 by the ESP32-S3's vectors, 16 products an instruction. */
#ifndef ED_NN_S3_DOT_H
#define ED_NN_S3_DOT_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/s3/pie.h"

#define ED_S3_LANES 16

/* The first 16-byte boundary of a scratch, which has 12 bytes more for that. */
ED_INLINE int8_t *ed_s3_aligned(uint32_t *scratch)
{
    return (int8_t *)scratch + (-(uintptr_t)scratch & (ED_S3_LANES - 1u));
}

/* a[0] * b[0] + ..., 16 * `vectors` products, modulo 2^32. a, b: at 16-byte boundaries.
 * vectors: below 2^21, so that no sum reaches the ends of the accumulator's 40 bits. */
ED_INLINE uint32_t ed_s3_dot(uint32_t vectors, const int8_t *a, const int8_t *b)
{
    uint32_t sum;
    ED_PIE_BLOCK(ED_PIE_ZERO_ACCX /* accumulator = 0 */
                     ED_PIE_LOOPNEZ(vectors, /* as often: */
                                    ED_PIE_VLD_128_IP(0, a, 16) /* q0 = a */
                                    ED_PIE_VLD_128_IP(1, b, 16) /* q1 = b */
                                    ED_PIE_VMULAS_S8_ACCX(0, 1)) /* accumulator += q0 * q1 */
                 ED_PIE_RUR_ACCX_0(sum), /* its lower word */
                 : [sum] "=&r"(sum), [a] "+r"(a), [b] "+r"(b) : [vectors] "r"(vectors) : "memory");
    return sum;
}

#endif
