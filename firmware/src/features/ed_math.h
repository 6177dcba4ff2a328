/* Elementary functions of float32 that give the same bits on every machine with IEEE arithmetic.
 *
 * No libm, no double, a fixed order of operations: compiled with -ffp-contract=off they agree
 * between a PC, a Cortex-M4F and an ESP32-S3, whichever compiler is used. Accuracy is in
 * docs/features.md, and held by tests/features/test_math.py.
 */
#ifndef ED_MATH_H
#define ED_MATH_H

#include <stdint.h>

/* cos and sin of `part` / `whole` of a turn. whole: 1 to 2^20; part: any. */
typedef struct {
    float cosine, sine;
} ed_math_angle;

ed_math_angle ed_math_turn(uint32_t part, uint32_t whole);

/* Natural logarithm. x: positive, finite and at least 2^-126 (not subnormal). */
float ed_math_log(float x);

/* Square root. x: 2^-100 to 2^100. */
float ed_math_sqrt(float x);

#endif
