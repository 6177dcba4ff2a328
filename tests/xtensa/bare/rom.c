/* What an ESP8266 has in its ROM, and Debian's libgcc for its core (lx106) therefore lacks.
 *
 * Float32 as IEEE 754 has it: rounded to the nearest, ties to even, subnormals kept. An ESP32-S3
 * does this in hardware. tests/xtensa/test_rom.py holds it against this computer's arithmetic.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rom.h"

typedef union {
    float value;
    uint32_t bits;
} word;

/* significand * 2^exponent, of a float that is finite. */
typedef struct {
    uint32_t sign;
    int32_t exponent;
    uint32_t significand;
} number;

#define INFINITE 0x7f800000u
#define QUIET_NAN 0x7fc00000u
#define SIGN 0x80000000u

static uint32_t bits_of(float value)
{
    const word both = {value};
    return both.bits;
}

static float from_bits(uint32_t bits)
{
    word both;
    both.bits = bits;
    return both.value;
}

static bool is_nan(float value)
{
    return (bits_of(value) & ~SIGN) > INFINITE;
}

static bool is_infinite(float value)
{
    return (bits_of(value) & ~SIGN) == INFINITE;
}

static bool is_zero(float value)
{
    return (bits_of(value) & ~SIGN) == 0;
}

static number unpack(float value)
{
    const uint32_t bits = bits_of(value);
    const int32_t biased = (int32_t)(bits >> 23 & 255u);
    const number found = {
        bits >> 31,
        (biased == 0 ? 1 : biased) - 150,
        (bits & 0x7fffffu) | (biased == 0 ? 0 : 0x800000u),
    };
    return found;
}

/* significand * 2^exponent, rounded. */
static float pack(uint32_t sign, int32_t exponent, uint64_t significand)
{
    int32_t biased, drop;
    uint64_t rest, half;
    uint32_t bits;

    if (significand == 0) {
        return from_bits(sign << 31);
    }
    while (significand >> 62 == 0) { /* 2^62 <= significand < 2^63 */
        significand <<= 1;
        exponent--;
    }
    if (significand >> 63 != 0) {
        significand = significand >> 1 | (significand & 1u);
        exponent++;
    }
    biased = exponent + 62 + 127;
    drop = 62 - 23;
    if (biased < 1) {
        drop += 1 - biased;
        biased = 0;
    }
    if (drop > 63) {
        return from_bits(sign << 31); /* below half of the least */
    }
    rest = significand & (((uint64_t)1 << drop) - 1u);
    half = (uint64_t)1 << (drop - 1);
    bits = (uint32_t)(significand >> drop);
    if (biased > 0) {
        bits = (bits & 0x7fffffu) | (uint32_t)biased << 23;
    }
    if (rest > half || (rest == half && (bits & 1u) != 0)) {
        bits++;
    }
    if (biased >= 255 || bits > INFINITE) {
        bits = INFINITE;
    }
    return from_bits(bits | sign << 31);
}

/* 32 x 32 bits in halves: the core multiplies to 32. */
static uint64_t product(uint32_t a, uint32_t b)
{
    const uint32_t low = (a & 0xffffu) * (b & 0xffffu);
    const uint32_t one = (a & 0xffffu) * (b >> 16);
    const uint32_t other = (a >> 16) * (b & 0xffffu);
    const uint32_t middle = (low >> 16) + (one & 0xffffu) + (other & 0xffffu);
    const uint32_t high = (a >> 16) * (b >> 16) + (one >> 16) + (other >> 16) + (middle >> 16);

    return (uint64_t)high << 32 | middle << 16 | (low & 0xffffu);
}

uint64_t __muldi3(uint64_t a, uint64_t b)
{
    const uint32_t high = (uint32_t)(a >> 32) * (uint32_t)b + (uint32_t)a * (uint32_t)(b >> 32);

    return product((uint32_t)a, (uint32_t)b) + ((uint64_t)high << 32);
}

/* Quotient in *quotient, the rest returned. divisor: not 0. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *quotient)
{
    uint64_t rest = 0;

    *quotient = 0;
    for (uint32_t i = 0; i < 32; i++) {
        rest = rest << 1 | (dividend >> (31u - i) & 1u);
        *quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            *quotient |= 1u;
        }
    }
    return (uint32_t)rest;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor)
{
    uint32_t quotient;

    divide(dividend, divisor, &quotient);
    return quotient;
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor)
{
    uint32_t quotient;

    return divide(dividend, divisor, &quotient);
}

int32_t __divsi3(int32_t dividend, int32_t divisor)
{
    const uint32_t size = dividend < 0 ? 0u - (uint32_t)dividend : (uint32_t)dividend;
    const uint32_t by = divisor < 0 ? 0u - (uint32_t)divisor : (uint32_t)divisor;
    const uint32_t quotient = __udivsi3(size, by);

    return (int32_t)((dividend < 0) != (divisor < 0) ? 0u - quotient : quotient);
}

float __mulsf3(float a, float b)
{
    const uint32_t sign = (bits_of(a) ^ bits_of(b)) >> 31;
    const number m = unpack(a), n = unpack(b);

    if (is_nan(a) || is_nan(b) || (is_infinite(a) && is_zero(b)) ||
        (is_zero(a) && is_infinite(b))) {
        return from_bits(QUIET_NAN);
    }
    if (is_infinite(a) || is_infinite(b)) {
        return from_bits(INFINITE | sign << 31);
    }
    return pack(sign, m.exponent + n.exponent, product(m.significand, n.significand));
}

/* Shifted right, with the last bit set where anything was lost. */
static uint64_t sticky(uint64_t value, int32_t shift)
{
    if (shift == 0) {
        return value;
    }
    if (shift > 62) {
        return value != 0;
    }
    return value >> shift | ((value & (((uint64_t)1 << shift) - 1u)) != 0);
}

float __addsf3(float a, float b)
{
    const bool swapped = unpack(a).exponent < unpack(b).exponent;
    const number m = unpack(swapped ? b : a), n = unpack(swapped ? a : b);
    const uint64_t larger = (uint64_t)m.significand << 36;
    const uint64_t smaller = sticky((uint64_t)n.significand << 36, m.exponent - n.exponent);

    if (is_nan(a) || is_nan(b) || (is_infinite(a) && is_infinite(b) && bits_of(a) != bits_of(b))) {
        return from_bits(QUIET_NAN);
    }
    if (is_infinite(a) || is_infinite(b)) {
        return is_infinite(a) ? a : b;
    }
    if (is_zero(a) && is_zero(b)) {
        return from_bits(bits_of(a) & bits_of(b));
    }
    if (m.sign == n.sign) {
        return pack(m.sign, m.exponent - 36, larger + smaller);
    }
    if (larger == smaller) {
        return 0.0f;
    }
    return larger > smaller ? pack(m.sign, m.exponent - 36, larger - smaller)
                            : pack(n.sign, m.exponent - 36, smaller - larger);
}

float __subsf3(float a, float b)
{
    return __addsf3(a, from_bits(bits_of(b) ^ SIGN));
}

float __floatunsisf(uint32_t value)
{
    return pack(0, 0, value);
}

float __floatsisf(int32_t value)
{
    return value < 0 ? pack(1, 0, 0u - (uint32_t)value) : pack(0, 0, (uint32_t)value);
}

uint32_t __fixunssfsi(float value)
{
    const number found = unpack(value); /* what is not 0 to 2^32 has no result in C */

    if (found.sign != 0 || found.exponent < -24) {
        return 0;
    }
    return found.exponent < 0 ? found.significand >> -found.exponent
                              : found.significand << found.exponent;
}

void *memcpy(void *to, const void *from, size_t count)
{
    volatile uint8_t *at = to; /* or the compiler would call memcpy here */
    const uint8_t *bytes = from;

    for (size_t i = 0; i < count; i++) {
        at[i] = bytes[i];
    }
    return to;
}
