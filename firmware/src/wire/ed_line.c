#include "wire/ed_line.h"

#include "ports/ed_port.h"
#include "wire/ed_crc.h"
#include "wire/ed_text.h"

/* "*", eight digits, CR and LF always find room. */
enum { END_BYTES = 11, ERROR_DETAIL_BYTES = 40 };

static struct {
    char text[ED_WIRE_LINE_BYTES];
    size_t length;
    size_t end; /* bytes of the end that is being put */
    bool bound;
    bool overflowed;
} line;

static void flush(void)
{
    ed_port_write((const uint8_t *)line.text, line.length);
    line.length = 0;
}

void ed_line_put(char c)
{
    if (line.length + END_BYTES >= ED_WIRE_LINE_BYTES + line.end) {
        if (line.bound) {
            line.overflowed = true;
            return;
        }
        flush();
    }
    line.text[line.length++] = c;
}

void ed_line_text(const char *text)
{
    while (*text != '\0') {
        ed_line_put(*text++);
    }
}

void ed_line_u64(uint64_t value)
{
    char digits[ED_TEXT_U64_BYTES];
    const size_t length = ed_text_u64(digits, value);

    for (size_t i = 0; i < length; i++) {
        ed_line_put(digits[i]);
    }
}

void ed_line_i32(int32_t value)
{
    if (value < 0) {
        ed_line_put('-');
    }
    ed_line_u64(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void ed_line_hex32(uint32_t value)
{
    for (uint32_t shift = 32; shift != 0; shift -= 4) {
        ed_line_put(ed_text_hex_digit(value >> (shift - 4)));
    }
}

void ed_line_hex(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++) {
        ed_line_put(ed_text_hex_digit((uint32_t)at[i] >> 4));
        ed_line_put(ed_text_hex_digit(at[i]));
    }
}

static bool is_plain(char c)
{
    return c > ' ' && c <= '~' && c != '%' && c != '*' && c != '=' && c != '[' && c != ']';
}

static char upper_hex_digit(uint32_t value)
{
    return "0123456789ABCDEF"[value & 15u];
}

void ed_line_escaped(const char *text, size_t limit)
{
    for (; *text != '\0'; text++) {
        const size_t need = is_plain(*text) ? 1 : 3;
        if (need > limit) {
            return;
        }
        limit -= need;
        if (need == 1) {
            ed_line_put(*text);
        } else {
            ed_line_put('=');
            ed_line_put(upper_hex_digit((uint32_t)(uint8_t)*text >> 4));
            ed_line_put(upper_hex_digit((uint8_t)*text));
        }
    }
}

void ed_line_cut_text(const char *escaped, size_t limit)
{
    while (*escaped != '\0') {
        /* "=XX" is kept whole; a string that ends within it was not escaped, and ends here. */
        const size_t need = *escaped == '=' ? 3 : 1;
        if (need > limit) {
            return;
        }
        limit -= need;
        for (size_t i = 0; i < need && *escaped != '\0'; i++) {
            ed_line_put(*escaped++);
        }
    }
}

void ed_line_end(void)
{
    line.end = END_BYTES;
    ed_line_text("\r\n");
    flush();
    line.end = 0;
    line.bound = false;
    line.overflowed = false;
}

void ed_line_send(const char *text)
{
    ed_line_text(text);
    ed_line_end();
}

void ed_line_error(const char *text, const char *detail)
{
    ed_line_text("e-[");
    ed_line_text(text);
    if (detail != NULL) {
        ed_line_escaped(detail, ERROR_DETAIL_BYTES);
    }
    ed_line_send("]");
}

void ed_line_bound(void)
{
    line.bound = true;
}

size_t ed_line_length(void)
{
    return line.length;
}

bool ed_line_overflowed(void)
{
    return line.overflowed;
}

void ed_line_rewind(size_t length)
{
    line.length = length;
    line.overflowed = false;
}

void ed_line_seal(void)
{
    const uint32_t crc = ed_crc32(0, line.text, line.length);

    line.end = END_BYTES;
    ed_line_put('*');
    ed_line_hex32(crc);
    ed_line_end();
}
