#include "wire/ed_text.h"

#include <stdbool.h>

/* Wide numbers are limbs of 16 bits, least first, so that a division by ten needs 32 bits only:
 * the Cortex-M4 divides those in hardware, and a 64-bit division would cost 700 bytes of library.
 * Ten hold the largest float in thousandths, and the empty limbs above it that are written too. */
enum { LIMBS = 10, FLOAT_MANTISSA_BITS = 23, FLOAT_EXPONENT_BIAS = 127 };

/* Write value * 2^shift as decimal into `to`, with at least `least` digits; returns the number of
 * digits. shift at most 111; unless it is a multiple of 16, value below 2^49. */
static size_t decimal(char *to, uint64_t value, uint32_t shift, size_t least)
{
    uint32_t limbs[LIMBS] = {0};
    size_t count = shift / 16u;
    size_t length = 0;

    for (value <<= shift % 16u; value != 0; value >>= 16) {
        limbs[count++] = (uint32_t)(value & 0xFFFFu);
    }
    while (count != 0 || length < least) {
        uint32_t rest = 0;
        for (size_t i = count; i-- > 0;) {
            const uint32_t wide = (rest << 16) | limbs[i];
            limbs[i] = wide / 10u;
            rest = wide % 10u;
        }
        while (count != 0 && limbs[count - 1] == 0) {
            count--;
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

size_t ed_text_u64(char to[ED_TEXT_U64_BYTES], uint64_t value)
{
    return decimal(to, value, 0, 1);
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

size_t ed_text_fixed3(char to[ED_TEXT_FIXED3_BYTES], float value)
{
    const uint32_t bits = ed_text_float_bits(value);
    const bool negative = (bits >> 31) != 0;
    const uint32_t exponent = (bits >> FLOAT_MANTISSA_BITS) & 0xFFu;
    const uint32_t fraction = bits & 0x007FFFFFu;
    uint64_t thousandths;
    int32_t shift;
    size_t length = 0;

    if (exponent == 0xFFu) {
        return append(to, fraction != 0 ? "nan" : negative ? "-inf" : "inf");
    }
    /* |value| * 1000 = thousandths * 2^shift; the product is below 2^34: exact. */
    thousandths = (uint64_t)(exponent != 0 ? fraction | 0x00800000u : fraction) * 1000u;
    shift = (int32_t)(exponent != 0 ? exponent : 1) - FLOAT_EXPONENT_BIAS - FLOAT_MANTISSA_BITS;
    if (shift < -40) {
        thousandths = 0;
        shift = 0;
    } else if (shift < 0) {
        thousandths = (thousandths + ((uint64_t)1 << (-shift - 1))) >> -shift;
        shift = 0;
    }
    if (negative && thousandths != 0) {
        to[length++] = '-';
    }
    length += decimal(to + length, thousandths, (uint32_t)shift, 4);
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

bool ed_text_equal(const char *word, const char *other)
{
    while (*word != '\0' && *word == *other) {
        word++;
        other++;
    }
    return *word == *other;
}
