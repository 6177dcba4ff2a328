/* The Cortex-M4's DSP instructions, one function each, as inline assembly: GCC 7.2.1, which real
 * Nano 33 builds use, has no intrinsics for them.
 *
 * A "pair" is two int16 in one word, the lower half first.
 * Source: ARMv7-M Architecture Reference Manual (DDI 0403), chapter A7.
 */
#ifndef ED_NN_M4_DSP_H
#define ED_NN_M4_DSP_H

#include <stdint.h>

#include "nn/inline.h"
#include "nn/requantize.h"

/* Words that may lie at any address and hold bytes or halfwords. Packed, so that no compiler makes
 * LDRD or LDM of them, which fault when unaligned; plain LDR does not. */
typedef struct __attribute__((packed, may_alias)) {
    uint32_t word;
} ed_dsp_unaligned;

/* Halfwords within a buffer that is also read by words. */
typedef int16_t __attribute__((may_alias)) ed_dsp_half;

ED_INLINE uint32_t ed_dsp_load(const void *address)
{
    return ((const ed_dsp_unaligned *)address)->word;
}

ED_INLINE void ed_dsp_store(void *address, uint32_t word)
{
    ((ed_dsp_unaligned *)address)->word = word;
}

/* Bytes 0 and 2 as a pair. */
ED_INLINE uint32_t ed_dsp_sxtb16(uint32_t x)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(x));
    return pair;
}

/* Bytes 1 and 3 as a pair. */
ED_INLINE uint32_t ed_dsp_sxtb16_odd(uint32_t x)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(x));
    return pair;
}

/* The lower halves of two words as a pair. */
ED_INLINE uint32_t ed_dsp_pack(uint32_t low, uint32_t high)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
    return pair;
}

/* sum + bytes 0 and 2 of x, in each half. */
ED_INLINE uint32_t ed_dsp_sxtab16(uint32_t sum, uint32_t x)
{
    __asm__("sxtab16 %0, %0, %1" : "+r"(sum) : "r"(x));
    return sum;
}

/* sum + bytes 1 and 3 of x, in each half. */
ED_INLINE uint32_t ed_dsp_sxtab16_odd(uint32_t sum, uint32_t x)
{
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sum) : "r"(x));
    return sum;
}

/* sum + a.low * b.low + a.high * b.high, modulo 2^32. */
ED_INLINE uint32_t ed_dsp_smlad(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + a.low * b.high. */
ED_INLINE uint32_t ed_dsp_smlabt(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlabt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + a.high * b.low. */
ED_INLINE uint32_t ed_dsp_smlatb(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlatb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + a.low * b.low. */
ED_INLINE uint32_t ed_dsp_smlabb(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + a.high * b.high. */
ED_INLINE uint32_t ed_dsp_smlatt(uint32_t a, uint32_t b, uint32_t sum)
{
    __asm__("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* a * b / 2^32 to the nearest, halves upwards. */
ED_INLINE int32_t ed_dsp_smmulr(int32_t a, int32_t b)
{
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* sum + a * b.low / 2^16, rounded down. */
ED_INLINE int32_t ed_dsp_smlawb(int32_t a, uint32_t b, int32_t sum)
{
    int32_t more;
    __asm__("smlawb %0, %1, %2, %3" : "=r"(more) : "r"(a), "r"(b), "r"(sum));
    return more;
}

/* sum + a * b.high / 2^16, rounded down. */
ED_INLINE int32_t ed_dsp_smlawt(int32_t a, uint32_t b, int32_t sum)
{
    int32_t more;
    __asm__("smlawt %0, %1, %2, %3" : "=r"(more) : "r"(a), "r"(b), "r"(sum));
    return more;
}

/* a.low * b.low. */
ED_INLINE int32_t ed_dsp_smulbb(uint32_t a, uint32_t b)
{
    int32_t product;
    __asm__("smulbb %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}

/* a.high * b.high. */
ED_INLINE int32_t ed_dsp_smultt(uint32_t a, uint32_t b)
{
    int32_t product;
    __asm__("smultt %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}

/* sum + a * b / 2^32 to the nearest, halves upwards. */
ED_INLINE int32_t ed_dsp_smmlar(int32_t a, int32_t b, int32_t sum)
{
    __asm__("smmlar %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* x / 2 rounded down, limited to an int8. */
ED_INLINE int32_t ed_dsp_halve_to_int8(int32_t x)
{
    __asm__("ssat %0, #8, %0, asr #1" : "+r"(x));
    return x;
}

/* x limited to an int8. */
ED_INLINE int32_t ed_dsp_to_int8(int32_t x)
{
    __asm__("ssat %0, #8, %0" : "+r"(x));
    return x;
}

/* x / 2^20 rounded down, limited to an int8. */
ED_INLINE int32_t ed_dsp_shift20_to_int8(int32_t x)
{
    __asm__("ssat %0, #8, %0, asr #20" : "+r"(x));
    return x;
}

/* word with its byte 1, 2 or 3 from the lowest byte of x. */
ED_INLINE uint32_t ed_dsp_insert_byte1(uint32_t word, uint32_t x)
{
    __asm__("bfi %0, %1, #8, #8" : "+r"(word) : "r"(x));
    return word;
}

ED_INLINE uint32_t ed_dsp_insert_byte2(uint32_t word, uint32_t x)
{
    __asm__("bfi %0, %1, #16, #8" : "+r"(word) : "r"(x));
    return word;
}

ED_INLINE uint32_t ed_dsp_insert_byte3(uint32_t word, uint32_t x)
{
    __asm__("bfi %0, %1, #24, #8" : "+r"(word) : "r"(x));
    return word;
}

/* The greater of each two int8 of two words, and the lesser: SSUB8 sets a flag a byte for SEL. */
ED_INLINE uint32_t ed_dsp_greater4(uint32_t a, uint32_t b)
{
    uint32_t greater;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(greater) : "r"(a), "r"(b));
    return greater;
}

ED_INLINE uint32_t ed_dsp_lesser4(uint32_t a, uint32_t b)
{
    uint32_t lesser;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(lesser) : "r"(a), "r"(b));
    return lesser;
}

/* Each half of a and of b added, modulo 2^16. */
ED_INLINE uint32_t ed_dsp_sadd16(uint32_t a, uint32_t b)
{
    uint32_t sums;
    __asm__("sadd16 %0, %1, %2" : "=r"(sums) : "r"(a), "r"(b));
    return sums;
}

/* How a layer's accumulators become outputs. `quick` where the compiler has proved that twice an
 * accumulator fits a word, that every shift is in [-22, -1], and that the rounding constant keeps
 * the sum within a word; `rectified` where all outputs below the zero point are clamped to one. */
typedef struct {
    int32_t zero_point, lowest, highest;
    int32_t quick, rectified;
} ed_dsp_scale;

/* One channel's constants, prepared: how far to shift before the last halving, and what to add.
 * round: half a step plus the zero point, before the shift. */
typedef struct {
    int32_t multiplier, shift, round;
} ed_dsp_channel;

ED_INLINE ed_dsp_channel ed_dsp_prepare(const ed_dsp_scale *s, int32_t multiplier, int32_t shift)
{
    ed_dsp_channel c;
    c.multiplier = multiplier;
    c.shift = s->quick ? -1 - shift : shift;
    c.round = s->quick ? (int32_t)((uint32_t)(2 * s->zero_point + 1) << c.shift) : 0;
    return c;
}

/* ed_requantize_int8 of the same accumulator, in five instructions where `quick` and `rectified`.
 * With r = round: (high + 2^(e-1) + (zero_point << e)) >> e, where e = c.shift + 1. Below zero the
 * reference rounds halves away from zero, which is one less; with `rectified` that cannot show,
 * because all that is clamped. */
ED_INLINE int32_t ed_dsp_requantize(const ed_dsp_scale *s, ed_dsp_channel c, uint32_t accumulator)
{
    if (!s->quick) {
        return ed_requantize_int8((int32_t)accumulator, c.multiplier, c.shift, s->zero_point,
                                  s->lowest, s->highest);
    }
    const int32_t twice = (int32_t)(accumulator << 1);
    int32_t x;
    if (s->rectified) {
        x = ed_dsp_smmlar(twice, c.multiplier, c.round);
    } else {
        const int32_t high = ed_dsp_smmulr(twice, c.multiplier);
        x = high + c.round + (high >> 31);
    }
    x = ed_dsp_halve_to_int8(x >> c.shift);
    if (s->lowest > INT8_MIN && x < s->lowest) {
        x = s->lowest;
    }
    if (s->highest < INT8_MAX && x > s->highest) {
        x = s->highest;
    }
    return x;
}

#endif
