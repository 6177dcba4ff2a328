#include "wire/ed_text.h"

#include <stdbool.h>

/* Wide numbers are limbs of 16 bits, least first, so that a division by ten needs 32 bits only:
 * the Cortex-M4 divides those in hardware, and a 64-bit division would cost 700 bytes of library. */
enum { U64_LIMBS = 4, FLOAT_LIMBS = 8, FLOAT_MANTISSA_BITS = 23, FLOAT_EXPONENT_BIAS = 127 };

/* Write `limbs` (count of them, overwritten with zeros) as decimal into `to`, with at least
 * `least` digits; returns the number of digits. */
static size_t decimal(char *to, uint32_t *limbs, size_t count, size_t least)
{
    size_t length = 0;
    bool more = true;

    while (more || length < least) {
        uint32_t rest = 0;
        more = false;
        for (size_t i = count; i-- > 0;) {
            const uint32_t wide = (rest << 16) | limbs[i];
            limbs[i] = wide / 10u;
            rest = wide % 10u;
            more = more || limbs[i] != 0;
        }
        to[length++] = (char)('0' + (int)rest);
    }
    for (size_t i = 0; i < length / 2; i++) { /* the digits came last first */
        const char digit = to[i];
        to[i] = to[length - 1 - i];
        to[length - 1 - i] = digit;
    }
    return length;
}

static size_t decimal_u64(char *to, uint64_t value, size_t least)
{
    uint32_t limbs[U64_LIMBS];

    for (size_t i = 0; i < U64_LIMBS; i++) {
        limbs[i] = (uint32_t)(value & 0xFFFFu);
        value >>= 16;
    }
    return decimal(to, limbs, U64_LIMBS, least);
}

size_t ed_text_u64(char to[ED_TEXT_U64_BYTES], uint64_t value)
{
    return decimal_u64(to, value, 1);
}

uint32_t ed_text_float_bits(float value)
{
    union {
        float number;
        uint32_t bits;
    } both;

    both.number = value;
    return both.bits;
}

static size_t append(char *to, const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        to[length] = text[length];
        length++;
    }
    return length;
}

/* Write mantissa * 2^shift, a whole number below 2^128, and ".000". */
static size_t whole(char *to, uint32_t mantissa, uint32_t shift)
{
    uint32_t limbs[FLOAT_LIMBS] = {0};
    const uint64_t low = (uint64_t)mantissa << (shift % 16u);
    size_t length;

    for (uint32_t i = 0; i < 3; i++) { /* 24 + 15 bits reach into three limbs */
        const uint32_t limb = shift / 16u + i;
        if (limb < FLOAT_LIMBS) {
            limbs[limb] = (uint32_t)(low >> (16u * i)) & 0xFFFFu;
        }
    }
    length = decimal(to, limbs, FLOAT_LIMBS, 1);
    return length + append(to + length, ".000");
}

size_t ed_text_fixed3(char to[ED_TEXT_FIXED3_BYTES], float value)
{
    const uint32_t bits = ed_text_float_bits(value);
    const bool negative = (bits >> 31) != 0;
    uint32_t exponent = (bits >> FLOAT_MANTISSA_BITS) & 0xFFu;
    uint32_t mantissa = bits & 0x007FFFFFu;
    uint64_t thousandths;
    uint32_t shift;
    size_t length = 0;

    if (exponent == 0xFFu) {
        return append(to, mantissa != 0 ? "nan" : negative ? "-inf" : "inf");
    }
    if (exponent == 0) {
        exponent = 1; /* zero and subnormal numbers: no hidden one */
    } else {
        mantissa |= 0x00800000u;
    }
    if (exponent >= FLOAT_EXPONENT_BIAS + FLOAT_MANTISSA_BITS) {
        if (negative) {
            to[length++] = '-';
        }
        return length +
               whole(to + length, mantissa, exponent - FLOAT_EXPONENT_BIAS - FLOAT_MANTISSA_BITS);
    }

    /* |value| = mantissa / 2^shift, and mantissa * 1000 is below 2^34: exact. */
    shift = FLOAT_EXPONENT_BIAS + FLOAT_MANTISSA_BITS - exponent;
    if (shift > 40u) {
        thousandths = 0;
    } else {
        thousandths = ((uint64_t)mantissa * 1000u + ((uint64_t)1 << (shift - 1u))) >> shift;
    }
    if (negative && thousandths != 0) {
        to[length++] = '-';
    }
    length += decimal_u64(to + length, thousandths, 4);
    for (size_t i = 0; i < 3; i++) { /* make room for the point before the last three */
        to[length - i] = to[length - i - 1];
    }
    to[length - 3] = '.';
    return length + 1;
}

char ed_text_hex_digit(uint32_t value)
{
    const uint32_t digit = value & 15u;

    return (char)(digit < 10u ? '0' + (int)digit : 'a' + (int)digit - 10);
}

ed_status ed_text_read_u32(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
    uint64_t sum = 0;

    if (*text == '\0') {
        return ED_MALFORMED;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return ED_MALFORMED;
        }
        sum = sum * 10u + (uint32_t)(*text - '0');
        if (sum > UINT32_MAX) {
            sum = (uint64_t)UINT32_MAX + 1u; /* too much stays too much */
        }
    }
    if (sum < least || sum > most) {
        return ED_RANGE;
    }
    *value = (uint32_t)sum;
    return ED_OK;
}

ed_status ed_text_read_hex(const char *text, size_t digits, uint32_t *value)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < digits; i++) {
        const char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)(c - 'a') + 10u;
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)(c - 'A') + 10u;
        } else {
            return ED_MALFORMED; /* the end of the string comes here too */
        }
        sum = (sum << 4) | digit;
    }
    *value = sum;
    return ED_OK;
}
