/* Numbers to text and back, without printf, libm, or 64-bit division. */
#ifndef ED_TEXT_H
#define ED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ed_wire.h"

#define ED_TEXT_U64_BYTES 20   /* 18446744073709551615 */
#define ED_TEXT_FIXED3_BYTES 44 /* a sign, the 39 digits of FLT_MAX, ".000" */

/* Whether two terminated strings are equal. */
bool ed_text_equal(const char *word, const char *other);

/* Write `value` as decimal into `to`, not terminated; returns the number of characters. */
size_t ed_text_u64(char to[ED_TEXT_U64_BYTES], uint64_t value);

/* Write `value` with three decimals into `to`, not terminated; returns the number of characters.
 * The exact value of the float is rounded, half away from zero; "nan", "inf", "-inf" for those,
 * and no sign on what rounds to zero. */
size_t ed_text_fixed3(char to[ED_TEXT_FIXED3_BYTES], float value);

/* The IEEE 754 binary32 bits of `value`. */
uint32_t ed_text_float_bits(float value);

/* The lower-case hex digit of value's low four bits. */
char ed_text_hex_digit(uint32_t value);

/* Read a whole terminated string of decimal digits.
 * ED_MALFORMED: empty, or another character. ED_RANGE: below `least` or above `most`. */
ed_status ed_text_read_u32(const char *text, uint32_t least, uint32_t most, uint32_t *value);

/* Read exactly `digits` (1 to 8) hex digits of either case. ED_MALFORMED: another character. */
ed_status ed_text_read_hex(const char *text, size_t digits, uint32_t *value);

#endif
