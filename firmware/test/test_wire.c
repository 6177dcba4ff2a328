/* Unit tests of wire/: each expected text is written out, none is computed by what it tests. */
#include <math.h>
#include <stdint.h>

#include "check.h"
#include "fake_port.h"
#include "wire/ed_command.h"
#include "wire/ed_crc.h"
#include "wire/ed_line.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static void test_crc(void)
{
    /* The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms. */
    CHECK(ed_crc32(0, "123456789", 9) == 0xCBF43926u);
    CHECK(ed_crc32(0, "", 0) == 0);
    CHECK(ed_crc32(ed_crc32(0, "1234", 4), "56789", 5) == 0xCBF43926u);
}

static int fixed3_is(float value, const char *expected)
{
    char text[ED_TEXT_FIXED3_BYTES];
    const size_t length = ed_text_fixed3(text, value);

    return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

static void test_fixed3(void)
{
    CHECK(fixed3_is(0.0f, "0.000"));
    CHECK(fixed3_is(-0.0f, "0.000"));
    CHECK(fixed3_is(1.0f, "1.000"));
    CHECK(fixed3_is(-12.25f, "-12.250"));
    CHECK(fixed3_is(0.00048828125f, "0.000")); /* 2^-11: below the half */
    CHECK(fixed3_is(0.0625f, "0.063"));        /* exactly between: away from zero */
    CHECK(fixed3_is(-0.0625f, "-0.063"));
    CHECK(fixed3_is(0.1875f, "0.188"));
    CHECK(fixed3_is(-0.0004f, "0.000"));
    CHECK(fixed3_is(0.9996f, "1.000"));
    CHECK(fixed3_is(8388607.5f, "8388607.500"));
    CHECK(fixed3_is(8388608.0f, "8388608.000"));
    CHECK(fixed3_is(16777216.0f, "16777216.000"));
    CHECK(fixed3_is(-3.40282347e38f, "-340282346638528859811704183484516925440.000"));
    CHECK(fixed3_is(1e-45f, "0.000"));
    CHECK(fixed3_is(NAN, "nan"));
    CHECK(fixed3_is(INFINITY, "inf"));
    CHECK(fixed3_is(-INFINITY, "-inf"));
}

static void test_numbers(void)
{
    char digits[ED_TEXT_U64_BYTES];
    uint32_t value = 7;

    CHECK(ed_text_u64(digits, 0) == 1 && digits[0] == '0');
    CHECK(ed_text_u64(digits, UINT64_MAX) == 20);
    CHECK(memcmp(digits, "18446744073709551615", 20) == 0);

    CHECK(ed_text_read_u32("4294967295", 0, UINT32_MAX, &value) == ED_OK && value == UINT32_MAX);
    CHECK(ed_text_read_u32("0010", 1, 10, &value) == ED_OK && value == 10);
    CHECK(ed_text_read_u32("11", 1, 10, &value) == ED_RANGE && value == 10);
    CHECK(ed_text_read_u32("0", 1, 10, &value) == ED_RANGE);
    CHECK(ed_text_read_u32("4294967296", 0, UINT32_MAX, &value) == ED_RANGE);
    CHECK(ed_text_read_u32("99999999999999999999999999999999999999999999999999999999999999999999",
                           0, UINT32_MAX, &value) == ED_RANGE);
    CHECK(ed_text_read_u32("", 0, 1, &value) == ED_MALFORMED);
    CHECK(ed_text_read_u32("-1", 0, 1, &value) == ED_MALFORMED);
    CHECK(ed_text_read_u32("1a", 0, 100, &value) == ED_MALFORMED);

    CHECK(ed_text_read_hex("dEaDbEeF", 8, &value) == ED_OK && value == 0xDEADBEEFu);
    CHECK(ed_text_read_hex("a", 2, &value) == ED_MALFORMED);
    CHECK(ed_text_read_hex("g0", 2, &value) == ED_MALFORMED);
    CHECK(ed_text_float_bits(1.0f) == 0x3F800000u);
}

/* Feed a terminated text; the event of its last byte. */
static ed_command_event feed(ed_command *command, const char *text)
{
    ed_command_event event = ED_COMMAND_PARTIAL;

    while (*text != '\0') {
        event = ed_command_put(command, (uint8_t)*text++);
    }
    return event;
}

static void test_command(void)
{
    static const char eighty[] =
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
    ed_command command;

    ed_command_clear(&command);
    CHECK(feed(&command, "%") == ED_COMMAND_READY && command.text[0] == '\0');
    CHECK(feed(&command, "na\r\nme\n%") == ED_COMMAND_READY && strcmp(command.text, "name") == 0);
    CHECK(feed(&command, eighty) == ED_COMMAND_PARTIAL);
    CHECK(feed(&command, "\r\n%") == ED_COMMAND_READY && strcmp(command.text, eighty) == 0);
    CHECK(feed(&command, eighty) == ED_COMMAND_PARTIAL);
    CHECK(feed(&command, "x%") == ED_COMMAND_SPOILED);
    CHECK(feed(&command, "name\t%") == ED_COMMAND_SPOILED);
    CHECK(feed(&command, "na\x7Fme%") == ED_COMMAND_SPOILED);
    CHECK(feed(&command, "n\xFFme%") == ED_COMMAND_SPOILED);
    CHECK(feed(&command, "name%") == ED_COMMAND_READY && strcmp(command.text, "name") == 0);
    CHECK(ed_command_put(&command, 0) == ED_COMMAND_PARTIAL);
    CHECK(feed(&command, "%") == ED_COMMAND_SPOILED);
}

static void test_seal(void)
{
    ed_command command;

    ed_command_clear(&command);
    (void)feed(&command, "hello%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_PLAIN);
    (void)feed(&command, "hello*3610a686%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_SEALED && strcmp(command.text, "hello") == 0);
    (void)feed(&command, "hello*3610A686%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_SEALED);
    (void)feed(&command, "hello*3610a687%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_BROKEN);
    (void)feed(&command, "hello*3610a68%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_BROKEN);
    (void)feed(&command, "hello*3610a6866%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_BROKEN);
    (void)feed(&command, "hello*%");
    CHECK(ed_command_unseal(&command) == ED_COMMAND_BROKEN);
    (void)feed(&command, "*00000000%"); /* the CRC of no bytes */
    CHECK(ed_command_unseal(&command) == ED_COMMAND_SEALED && command.text[0] == '\0');
}

static void test_words(void)
{
    ed_command command;
    char *words[ED_COMMAND_MAX_WORDS];

    ed_command_clear(&command);
    (void)feed(&command, "   %");
    CHECK(ed_command_words(&command, words) == 0);
    (void)feed(&command, " db  load 490 %");
    CHECK(ed_command_words(&command, words) == 3);
    CHECK(strcmp(words[0], "db") == 0 && strcmp(words[1], "load") == 0);
    CHECK(strcmp(words[2], "490") == 0);
    (void)feed(&command, "a b c d e f g%");
    CHECK(ed_command_words(&command, words) == ED_COMMAND_MAX_WORDS);
    CHECK(strcmp(words[5], "f g") == 0);
    CHECK(ed_text_equal("load", "load") && !ed_text_equal("load", "loa"));
    CHECK(!ed_text_equal("loa", "load") && ed_text_equal("", ""));
}

static void test_line(void)
{
    char long_text[1201];

    fake_port_clear();
    ed_line_text("a=");
    ed_line_u64(18446744073709551615u);
    ed_line_put(' ');
    ed_line_i32(INT32_MIN);
    ed_line_put(' ');
    ed_line_hex32(0x0001ABCDu);
    ed_line_put(' ');
    ed_line_hex("\x00\xFF\x5A", 3);
    ed_line_end();
    CHECK(strcmp(fake_port_sent, "a=18446744073709551615 -2147483648 0001abcd 00ff5a\r\n") == 0);

    fake_port_clear();
    ed_line_error("Unknown command: ", "a=[b]*~!");
    CHECK(strcmp(fake_port_sent, "e-[Unknown command: a=3D=5Bb=5D=2A~!]\r\n") == 0);

    fake_port_clear();
    ed_line_escaped("a\xC3\xA9 %", 3); /* an escape that does not fit ends it */
    ed_line_put('|');
    ed_line_escaped("a\xC3\xA9 %", 99);
    ed_line_put('|');
    ed_line_cut_text("ab=20c", 4);
    ed_line_put('|');
    ed_line_cut_text("ab=20c", 5);
    ed_line_put('|');
    ed_line_cut_text("ab=2", 99);
    ed_line_end();
    CHECK(strcmp(fake_port_sent, "a|a=C3=A9=20=25|ab|ab=20|ab=2\r\n") == 0);

    /* A plain line may be longer than the buffer, and loses nothing. */
    fake_port_clear();
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    ed_line_send(long_text);
    CHECK(fake_port_sent_bytes == sizeof long_text + 1);
    CHECK(strspn(fake_port_sent, "x") == sizeof long_text - 1);
    CHECK(fake_port_longest_write <= ED_WIRE_LINE_BYTES);
}

static void test_record(void)
{
    static const char *const names[] = {"cycles", "cycles_board", "energy"};
    static const uint32_t shape[] = {1, 49, 10, 1};
    uint8_t bytes[240];

    fake_port_clear();
    ed_record_reset();
    ed_record_begin("boot");
    ed_record_text("reason", "power");
    ed_record_end();
    CHECK(strcmp(fake_port_sent, "ed-boot seq=0 reason=power*05146f6e\r\n") == 0);

    fake_port_clear();
    ed_record_begin("x");
    ed_record_names("a", names, 3, 5);
    ed_record_names("b", names, 3, 0);
    ed_record_shape("c", shape, 4);
    ed_record_shape("d", shape, 0);
    ed_record_i32("e", -128);
    ed_record_hex32("f", 0xAB);
    ed_record_hex("g", "\x01\x02", 2);
    ed_record_end();
    fake_port_sent[fake_port_sent_bytes - 11] = '\0';
    CHECK(strcmp(fake_port_sent, "ed-x seq=1 a=cycles,energy b=none c=1x49x10x1 d= e=-128 "
                                 "f=000000ab g=0102") == 0);

    /* A field that does not fit is left out whole; a later, shorter one still comes. */
    fake_port_clear();
    memset(bytes, 0x11, sizeof bytes);
    ed_record_begin("y");
    ed_record_hex("big", bytes, 240);
    ed_record_hex("more", bytes, 10);
    ed_record_u64("n", 5);
    ed_record_end();
    CHECK(fake_port_sent_bytes <= ED_WIRE_LINE_BYTES);
    CHECK(strstr(fake_port_sent, " more=") == NULL && strstr(fake_port_sent, "1 n=5*") != NULL);

    /* The longest record fits exactly: 10 + 5 + 2 * 240 and a digit are 496, and 5 + 11 more. */
    fake_port_clear();
    ed_record_begin("y");
    ed_record_hex("big", bytes, 240);
    ed_record_u64("n", 123);
    ed_record_end();
    CHECK(fake_port_sent_bytes == ED_WIRE_LINE_BYTES);
    CHECK(strstr(fake_port_sent, "1 n=123*") != NULL);

    fake_port_clear();
    ed_record_error("crc");
    CHECK(strncmp(fake_port_sent, "ed-error seq=4 code=crc*", 24) == 0);
}

int main(void)
{
    test_crc();
    test_fixed3();
    test_numbers();
    test_command();
    test_seal();
    test_words();
    test_line();
    test_record();
    return 0;
}
