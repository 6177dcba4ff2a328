/* The TinyML shield of the fake Nano, with its OV7675: the lines as its data sheet has them.
 *
 * ED_FAKE_CAMERA names a file of grey pictures of 320 x 240 bytes, one for each frame; the last one
 * stays. Without it there is no shield. A frame goes on by a little each time the core looks at its
 * lines, so that a slow computer misses nothing; only which frames are due goes by the clock.
 * ED_FAKE_CAMERA_SLOWEST is the least CLKRC at which the core can follow, ED_FAKE_CAMERA_TORN a frame
 * of which a row comes while interrupts are served, ED_FAKE_CAMERA_ROWS how many rows a frame has,
 * ED_FAKE_CAMERA_ENDS the frame before which the camera is unplugged. ED_FAKE_EXPANDER puts a chip of
 * the user's own at its address, ED_FAKE_D9 holds D9 high. ED_FAKE_SHIELD_LOG names a file that gets
 * what was asked of and written to A4 and A5.
 */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include <stdlib.h>
#include <string.h>

#include <fstream>
#include <string>

#include "fake.h"

static const uint8_t ADDRESS = 0x21;
static const uint32_t WIDTH = 320, HEIGHT = 240, XCLK_PIN = 27;
static const uint32_t VSYNC = 1u << 10, HREF = 1u << 5, PCLK = 1u << 4;
static const uint8_t NEUTRAL = 0x77; /* U and V: no grey of any test */

static NRF_I2S_Type i2s;
NRF_I2S_Type *const NRF_I2S = &i2s;

static uint32_t number_in(const char *variable, uint32_t otherwise)
{
    const char *const text = getenv(variable);

    return text != nullptr ? static_cast<uint32_t>(strtoul(text, nullptr, 10)) : otherwise;
}

static void note(const std::string &what)
{
    const char *const path = getenv("ED_FAKE_SHIELD_LOG");

    if (path != nullptr) {
        std::ofstream(path, std::ios::app) << what << '\n';
    }
}

static const std::vector<uint8_t> &pictures()
{
    static const std::vector<uint8_t> all = ed_fake_file("ED_FAKE_CAMERA");

    return all;
}

static bool clock_runs()
{
    return i2s.ENABLE == 1 && i2s.TASKS_START == 1 && i2s.CONFIG.MCKEN == 1 &&
           i2s.CONFIG.MCKFREQ == 0x80000000u && i2s.PSEL.MCK == XCLK_PIN;
}

/* -- the bus -- */

static uint8_t registers[256];
static void reset();

class Ov7675 : public FakeRegisters
{
  protected:
    uint8_t get(uint8_t address) override
    {
        return address == 0x0A ? 0x76 : address == 0x0B ? 0x73 : registers[address];
    }

    void set(uint8_t address, uint8_t value) override
    {
        registers[address] = value;
        if (address == 0x12 && (value & 0x80u) != 0) {
            reset();
        }
    }
};

/* Eight pins that are what was written last. */
class Expander : public FakeChip
{
  public:
    void write(const std::vector<uint8_t> &bytes) override
    {
        if (!bytes.empty()) {
            note("written");
        }
    }

    uint8_t read() override
    {
        return 0xFF;
    }
};

FakeChip *ed_fake_shield(uint8_t address)
{
    static Ov7675 camera;
    static Expander expander;

    note(clock_runs() ? "asked with a clock" : "asked");
    if (address != ADDRESS) {
        return nullptr;
    }
    if (getenv("ED_FAKE_EXPANDER") != nullptr) {
        return &expander;
    }
    return !pictures().empty() && clock_runs() ? &camera : nullptr;
}

int digitalRead(uint8_t pin)
{
    return pin == 9 && getenv("ED_FAKE_D9") == nullptr ? LOW : HIGH;
}

/* -- the lines -- */

enum part { BETWEEN, BEFORE_ROW, LOW_HALF, HIGH_HALF };

static struct {
    enum part part;
    uint32_t looks; /* of the part, to come */
    uint32_t frame, row, byte;
} now;

static void reset()
{
    memset(registers, 0, sizeof registers);
    now = {BETWEEN, 40, 0, 0, 0};
}

static uint32_t row_bytes()
{
    const bool halved =
        (registers[0x0C] & 4u) != 0 && registers[0x72] == 0x11 && (registers[0x3E] & 0x10u) != 0;

    return halved ? 2 * WIDTH : 4 * WIDTH;
}

static uint32_t looks_before_row()
{
    if (now.row == 0) {
        return 150;
    }
    return now.row == 100 && number_in("ED_FAKE_CAMERA_TORN", UINT32_MAX) == now.frame ? 0 : 200;
}

static void go_on()
{
    switch (now.part) {
    case BETWEEN:
        now.part = BEFORE_ROW;
        now.looks = looks_before_row();
        break;
    case BEFORE_ROW:
        now.part = LOW_HALF;
        now.byte = 0;
        now.looks = 2;
        break;
    case LOW_HALF:
        now.part = HIGH_HALF;
        now.looks = (registers[0x11] & 0x3Fu) < number_in("ED_FAKE_CAMERA_SLOWEST", 0) ? 0 : 2;
        break;
    case HIGH_HALF:
        now.part = LOW_HALF;
        now.looks = 2;
        if (++now.byte == row_bytes()) {
            now.part = BEFORE_ROW;
            now.row++;
            now.looks = looks_before_row();
        }
        if (now.row == number_in("ED_FAKE_CAMERA_ROWS", HEIGHT)) {
            now = {BETWEEN, 40, now.frame + 1, 0, 0};
        }
        break;
    }
}

static uint8_t data()
{
    const size_t whole = pictures().size() / (WIDTH * HEIGHT);
    const size_t frame = now.frame < whole ? now.frame : whole - 1;
    const bool y_first = (registers[0x3A] & 8u) == 0;
    const bool is_grey = (now.byte % 2 == 0) == y_first;
    const size_t column = now.byte / 2 % WIDTH;

    return is_grey ? pictures()[(frame * HEIGHT + now.row % HEIGHT) * WIDTH + column] : NEUTRAL;
}

NRF_GPIO_Type *ed_fake_gpio(int port)
{
    static NRF_GPIO_Type ports[2] = {{0}, {0}};
    volatile uint32_t *const in = const_cast<volatile uint32_t *>(&ports[port].IN);

    *in = 0;
    if (pictures().empty() || !clock_runs() ||
        now.frame >= number_in("ED_FAKE_CAMERA_ENDS", UINT32_MAX)) {
        return &ports[port];
    }
    if (port == 1) {
        const uint32_t byte = data();
        *in = (byte & 3u) << 2 | (byte >> 2) << 10;
        return &ports[port];
    }
    while (now.looks == 0) {
        go_on();
    }
    now.looks--;
    *in = now.part == BETWEEN      ? VSYNC
          : now.part == BEFORE_ROW ? 0
          : now.part == LOW_HALF   ? HREF
                                   : HREF | PCLK;
    return &ports[port];
}

#endif
