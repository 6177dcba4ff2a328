/* Commands: Solomon Systech, SSD1306 data sheet (rev. 1.1), sections 8.1.5, 9 and 10. What this panel
 * of 0.42 inch wants of them: its maker's list (EastRising ER-OLED0.42), as olikraus/U8g2 quotes it. */
#include "ports/arduino/ed_ssd1306.h"

#include <string.h>

#include "ports/arduino/ed_bus.h"

extern "C" {
#include "ports/arduino/ed_font.h"
}

enum { COMMANDS = 0x00, PIXELS = 0x40 }; /* the byte after the address: what follows */

enum {
    ADDRESSING = 0x20,
    COLUMNS = 0x21,
    PAGES = 0x22,
    START_AT_ROW_0 = 0x40,
    CONTRAST = 0x81,
    CHARGE_PUMP = 0x8D,
    SEGMENTS_AS_THEY_ARE = 0xA0,
    SHOW_MEMORY = 0xA4,
    NOT_INVERTED = 0xA6,
    ROWS = 0xA8,
    CURRENT_SOURCE = 0xAD,
    OFF = 0xAE,
    ON = 0xAF,
    SCAN_UPWARDS = 0xC0,
    OFFSET = 0xD3,
    CLOCK = 0xD5,
    PRECHARGE = 0xD9,
    COM_PINS = 0xDA,
    COM_LEVEL = 0xDB
};

/* The panel's place in the controller's 128 x 64. A page is 8 rows, a byte of them a column. */
static const uint8_t LEFT = 28, WIDTH = 72, PAGE_COUNT = 5;

/* On the XIAOML kit it hangs upside down: Seeed's programs turn their pictures by half a turn. So
 * segments and rows are counted from the other end than in the maker's list. */
static const uint8_t SETUP[][2] = {
    {CLOCK, 0x80},       {ROWS, 39},        {OFFSET, 0},      {CURRENT_SOURCE, 0x30},
    {CHARGE_PUMP, 0x14}, {ADDRESSING, 0},   {COM_PINS, 0x12}, {CONTRAST, 0xAF},
    {PRECHARGE, 0x22},   {COM_LEVEL, 0x20},
};
static const uint8_t SETUP_OF_ONE_BYTE[] = {OFF,         START_AT_ROW_0,       NOT_INVERTED,
                                            SHOW_MEMORY, SEGMENTS_AS_THEY_ARE, SCAN_UPWARDS};

static const uint8_t WHOLE[] = {COLUMNS, LEFT, LEFT + WIDTH - 1, PAGES, 0, PAGE_COUNT - 1};

static ed_chip chip = {nullptr, 0x3C};

static bool transmit(uint8_t kind, const uint8_t *bytes, size_t count)
{
    chip.bus->beginTransmission(chip.address);
    chip.bus->write(kind);
    for (size_t i = 0; i < count; i++) {
        chip.bus->write(bytes[i]);
    }
    return chip.bus->endTransmission() == 0;
}

static void command(uint8_t one)
{
    (void)transmit(COMMANDS, &one, 1);
}

static const size_t LETTER = ED_FONT_COLUMNS + 1; /* with the gap to the next */
static const size_t NARROW = WIDTH / LETTER; /* letters that fit */
static const size_t BROAD = NARROW / 2; /* of twice the width */

/* Letters in a row, each `wide` times as wide and `tall` times as tall as the font's. */
struct Line {
    char text[NARROW + 1];
    uint8_t page; /* its first */
    uint8_t wide, tall;
};

static Line line(const char *text, size_t count, uint8_t page, uint8_t wide, uint8_t tall)
{
    Line made = {{}, page, wide, tall};

    memcpy(made.text, text, count < NARROW ? count : NARROW);
    return made;
}

/* A column made `tall` times as tall: the 8 rows of its page `part`. */
static uint8_t rows_of(uint8_t column, uint8_t tall, uint8_t part)
{
    uint8_t rows = 0;

    for (int row = 0; row < 8; row++) {
        const int from = (8 * part + row) / tall;
        rows = static_cast<uint8_t>(rows | ((column >> from) & 1) << row);
    }
    return rows;
}

static void draw(const Line &line, uint8_t page, uint8_t pixels[WIDTH])
{
    const size_t width = strlen(line.text) * LETTER * line.wide - line.wide;
    size_t x = line.text[0] != '\0' ? (WIDTH - width) / 2 : 0;

    if (page < line.page || page >= line.page + line.tall) {
        return;
    }
    for (const char *letter = line.text; *letter != '\0'; letter++) {
        const uint8_t *const columns = ed_font_letter(*letter);
        for (size_t i = 0; i < ED_FONT_COLUMNS * line.wide; i++) {
            pixels[x + i] =
                rows_of(columns[i / line.wide], line.tall, static_cast<uint8_t>(page - line.page));
        }
        x += LETTER * line.wide;
    }
}

/* Where to break a label of two lines: behind the last mark of the first one, if it has one. */
static size_t break_of(const char *label, size_t count)
{
    for (size_t i = NARROW; i > 1; i--) {
        if (strchr("_- /", label[i - 1]) != nullptr && count - i <= NARROW) {
            return i;
        }
    }
    return NARROW;
}

bool ed_ssd1306_begin(TwoWire *bus)
{
    chip.bus = bus;
    return ed_chip_answers(chip) &&
           transmit(COMMANDS, SETUP_OF_ONE_BYTE, sizeof SETUP_OF_ONE_BYTE) &&
           transmit(COMMANDS, SETUP[0], sizeof SETUP);
}

void ed_ssd1306_show(const char *label, const char *score)
{
    const size_t count = strlen(label);
    const size_t first = count <= NARROW ? count : break_of(label, count);
    const bool two = first < count;
    const Line lines[] = {
        line(label, first, 0, count <= BROAD ? 2 : 1, 2),
        line(label + first, count - first, 2, 1, 2),
        two ? line(score, strlen(score), 4, 1, 1)
            : line(score, strlen(score), 3, strlen(score) <= BROAD ? 2 : 1, 2),
    };

    (void)transmit(COMMANDS, WHOLE, sizeof WHOLE);
    for (uint8_t page = 0; page < PAGE_COUNT; page++) {
        uint8_t pixels[WIDTH] = {};
        for (const Line &each : lines) {
            draw(each, page, pixels);
        }
        (void)transmit(PIXELS, pixels, sizeof pixels);
    }
    command(ON);
}

void ed_ssd1306_darken(void)
{
    command(OFF);
}
