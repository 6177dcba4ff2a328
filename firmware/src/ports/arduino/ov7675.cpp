/* The OV7675 of Arduino's TinyML shield. The nRF52840 has no port for a camera: the core itself looks
 * at the camera's lines and takes a byte at each pixel clock.
 *
 * Arduino's library for it, Arduino_OV767X, is not used: it is under GPL-2.0, it shuts interrupts out
 * for a whole frame, waits for ever where a camera stops, and writes to whatever has the address.
 *
 * Registers are named as OmniVision's OV7670/OV7675 data sheets do. What the camera says is checked
 * where it can be: a pace is taken only if a frame had its rows, and every row its bytes.
 */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include <Wire.h>

#include "ports/arduino/ed_bus.h"
#include "ports/arduino/ed_ov7675.h"

/* The shield's wiring by the core's numbers (Arduino_OV767X, OV767X.h, and how its readFrame() reads
 * them), and the chip's pins behind them (ArduinoCore-mbed, variants/ARDUINO_NANO33BLE). */
static const uint8_t XCLK = 9; /* P0.27 */
static const uint8_t DATA[] = {10, 0, 1, 2, 3, 5, 6, 4}; /* P1.02, P1.03, P1.10 to P1.15 */
static const uint8_t VSYNC = 8, HREF = A1, PCLK = A0; /* P0.10, P0.05, P0.04 */
static const uint32_t AT_VSYNC = 1u << 10, AT_HREF = 1u << 5, AT_PCLK = 1u << 4;
static const uint32_t XCLK_PIN = 27;

static const ed_chip CAMERA = {&Wire, 0x21};
static const uint32_t SCCB_HZ = 100000;

enum {
    CLKRC = 0x11,
    PRODUCT = 0x0A, /* PID and VER; the OV7670 has the same, and the same registers */
    VERSION = 0x0B,
    IS_PRODUCT = 0x76,
    IS_VERSION = 0x73,
};

/* One frame is 510 lines of 784 pixels of two bytes, at a pixel clock of 16 MHz x 4 / (2 (CLKRC + 1)):
 * 5 a second for 15. Half of the pixels both ways, so that a byte lasts 32 cycles of ours then. */
static const uint8_t PACES[] = {15, 31, 63};
static const uint32_t FRAME_US_BY_CLKRC = 12500; /* of CLKRC + 1 */
/* How often at each: of frames that are torn, and that do not come where VSYNC was not noticed. */
static const int TRIES = 3, NONE_MOST = 2;

/* 320 x 240 out of the sensor's 640 x 480, with the window that Zephyr's driver (drivers/video,
 * ov767x) has for an OV7675. */
static const struct {
    uint8_t address, value;
} SETTINGS[] = {
    {0x6B, 0x4A}, /* DBLV: the clock by 4 */
    {0x12, 0x00}, /* COM7: YUV */
    {0x0C, 0x04}, /* COM3: smaller pictures */
    {0x3E, 0x11}, /* COM14: and a slower pixel clock, by 2 */
    {0x72, 0x11}, /* SCALING_DCWCTR: half both ways */
    {0x73, 0xF1}, /* SCALING_PCLK_DIV: by 2 */
    {0x17, 0x15}, /* HSTART: column 168 */
    {0x18, 0x03}, /* HSTOP: column 24, after the 784th */
    {0x32, 0xC0}, /* HREF: their lowest bits */
    {0x19, 0x03}, /* VSTRT: line 12 */
    {0x1A, 0x7B}, /* VSTOP: line 492 */
    {0x03, 0x00}, /* VREF: their lowest bits */
    {0x15, 0x20}, /* COM10: no pixel clock between rows */
    {0x3A, 0x04}, /* TSLB: Y U Y V, */
    {0x3D, 0xC0}, /* COM13: Y first */
    {0x40, 0xC0}, /* COM15: from 0 to 255 */
};

static const uint32_t ROW_BYTES = 2 * ED_OV7675_WIDTH;
static const uint32_t ROWS_A_FRAME = 625; /* in its time, without any pause between them */

/* How often a line is looked at before it is given up, at some nine cycles a look. In a row: three
 * times one at the slowest pace. Before a row, with interrupts shut out: 2 ms, longer than the pause
 * between two rows at the slowest pace. */
static const uint32_t ROW_LOOKS = 30000, PAUSE_LOOKS = 16000;
static const uint32_t NO_ROW_US = 100000; /* before the first row, at the slowest pace: 27 ms */

/* From when on no interrupt may come before the first row; none takes that long. */
static const uint32_t CLEAR_US = 1000;

static uint32_t frame_us;
static uint32_t before_us; /* of the last frame, from VSYNC's fall to its first row */

/* -- the clock that the camera runs on: what the I2S unit has for a codec -- */

static void clock_on(void)
{
    pinMode(XCLK, OUTPUT);
    /* nRF52840 Product Specification, I2S: 32 MHz / 2, and no data lines. Its electrical table ends at
     * 4 MHz; 16 MHz is what Arduino's library runs these cameras with. */
    NRF_I2S->CONFIG.MODE = 0;
    NRF_I2S->CONFIG.MCKEN = 1;
    NRF_I2S->CONFIG.MCKFREQ = 0x80000000u;
    NRF_I2S->PSEL.MCK = XCLK_PIN;
    NRF_I2S->ENABLE = 1;
    NRF_I2S->TASKS_START = 1;
}

static void clock_off(void)
{
    NRF_I2S->TASKS_STOP = 1;
    NRF_I2S->ENABLE = 0;
    NRF_I2S->PSEL.MCK = UINT32_MAX;
}

/* -- registers -- */

static bool write_register(uint8_t address, uint8_t value)
{
    return ed_chip_write(CAMERA, address, value);
}

/* Not ed_chip_read(): a camera's bus knows no repeated start. */
static bool read_register(uint8_t address, uint8_t *value)
{
    CAMERA.bus->beginTransmission(CAMERA.address);
    CAMERA.bus->write(address);
    if (CAMERA.bus->endTransmission() != 0 || CAMERA.bus->requestFrom(CAMERA.address, 1) != 1) {
        return false;
    }
    *value = static_cast<uint8_t>(CAMERA.bus->read());
    return true;
}

static bool is_named(void)
{
    uint8_t product, version;

    return read_register(PRODUCT, &product) && read_register(VERSION, &version) &&
           product == IS_PRODUCT && version == IS_VERSION;
}

/* -- whether it is there -- */

/* Whether the pixel clock is seen to run. */
static bool ticks(void)
{
    static const uint32_t LOOKS_US = 20000;
    const unsigned long since_us = micros();
    uint32_t seen = 0;

    while (micros() - since_us < LOOKS_US && seen != 3) {
        seen |= (NRF_P0->IN & AT_PCLK) != 0 ? 1u : 2u;
    }
    return seen == 3;
}

/* A4 and A5 idle as a bus does, and D9 is nobody's: a camera holds none of them. */
static bool wires_are_free(void)
{
    pinMode(A4, INPUT_PULLUP);
    pinMode(A5, INPUT_PULLUP);
    pinMode(XCLK, INPUT_PULLDOWN);
    delayMicroseconds(50);
    const bool idle =
        digitalRead(A4) == HIGH && digitalRead(A5) == HIGH && digitalRead(XCLK) == LOW;
    pinMode(A4, INPUT);
    pinMode(A5, INPUT);
    pinMode(XCLK, INPUT);
    return idle;
}

static bool answers_within_50_ms(void)
{
    for (int i = 0; i < 5; i++) {
        delay(10);
        if (ed_chip_answers(CAMERA)) {
            return true;
        }
    }
    return false;
}

bool ed_ov7675_found(void)
{
    bool found = false;

    if (!wires_are_free()) {
        return false;
    }
    CAMERA.bus->begin();
    CAMERA.bus->setClock(SCCB_HZ);
    /* A camera is dumb without a clock (OmniVision's all are: espressif/esp-gmf#48). What answers all the same may be a chip of the user's own, to
     * which nothing is written unless a pixel clock shows a camera beside it. */
    const bool other = ed_chip_answers(CAMERA);
    pinMode(PCLK, INPUT_PULLDOWN);
    clock_on();
    if (answers_within_50_ms() && (!other || ticks())) {
        found = is_named();
    }
    clock_off();
    if (found) {
        digitalWrite(XCLK, LOW);
    } else {
        pinMode(XCLK, INPUT);
        pinMode(PCLK, INPUT);
        CAMERA.bus->end();
    }
    return found;
}

/* -- frames -- */

/* HREF and PCLK as soon as they are no longer `as`; 0, as between rows, where they stay so. */
static inline uint32_t look_past(uint32_t as, uint32_t *looks)
{
    uint32_t lines;

    do {
        lines = NRF_P0->IN & (AT_HREF | AT_PCLK);
    } while (lines == as && --*looks != 0);
    return *looks != 0 ? lines : 0;
}

/* The bytes of the row that has just begun, of which every other one is grey: their number. Called
 * with interrupts shut out. A byte is there from the clock's fall on; it is put away in the time of
 * the next one, which nobody wants. */
static uint32_t read_row(uint8_t *to)
{
    uint32_t looks = ROW_LOOKS;
    uint32_t count = 0;

    while ((look_past(AT_HREF | AT_PCLK, &looks) & AT_HREF) != 0) {
        const uint32_t bits = NRF_P1->IN;
        if ((look_past(AT_HREF, &looks) & AT_HREF) == 0) {
            return count + 1;
        }
        if (count < ROW_BYTES) {
            to[count / 2] = static_cast<uint8_t>((bits >> 2 & 0x03u) | (bits >> 8 & 0xFCu));
        }
        if ((look_past(AT_HREF | AT_PCLK, &looks) & AT_HREF) == 0) {
            return count + 1;
        }
        count += 2;
        (void)look_past(AT_HREF, &looks);
    }
    return looks != 0 ? count : 0;
}

/* Whether a row has just begun; interrupts are shut out then. A row that began while they were not
 * was missed. */
static bool await_row(void)
{
    const unsigned long since_us = micros();

    while (micros() - since_us < NO_ROW_US) {
        noInterrupts();
        uint32_t lines = NRF_P0->IN;
        const bool missed = (lines & (AT_HREF | AT_VSYNC)) != 0;
        for (uint32_t i = 0; i < PAUSE_LOOKS && (lines & (AT_HREF | AT_VSYNC)) == 0; i++) {
            lines = NRF_P0->IN;
        }
        if (!missed && (lines & AT_HREF) != 0) {
            return true;
        }
        interrupts();
        if (missed || (lines & AT_VSYNC) != 0) {
            return false; /* the frame has ended */
        }
    }
    return false;
}

static bool await_vsync(bool high)
{
    const unsigned long since_us = micros();

    while (((NRF_P0->IN & AT_VSYNC) != 0) != high) {
        if (micros() - since_us > frame_us + frame_us / 2) {
            return false;
        }
    }
    return true;
}

ed_ov7675_result ed_ov7675_frame(void (*take)(uint32_t row, const uint8_t *pixels))
{
    static uint8_t pixels[ED_OV7675_WIDTH];

    if (!await_vsync(true) || !await_vsync(false)) {
        return ED_OV7675_NONE;
    }
    const unsigned long since_us = micros();
    while (micros() - since_us + CLEAR_US < before_us) {
        /* Interrupts are served. */
    }
    for (uint32_t row = 0; row < ED_OV7675_HEIGHT; row++) {
        if (!await_row()) {
            return ED_OV7675_TORN;
        }
        const uint32_t count = read_row(pixels);
        interrupts();
        if (row == 0) {
            const uint32_t passed_us = static_cast<uint32_t>(micros() - since_us),
                           row_us = frame_us / ROWS_A_FRAME;
            before_us = passed_us > row_us ? passed_us - row_us : 0;
        }
        if (count != ROW_BYTES) {
            return ED_OV7675_TORN;
        }
        take(row, pixels);
    }
    return ED_OV7675_WHOLE;
}

/* Whether the frame has no more rows than those that were read. */
static bool ends(void)
{
    const unsigned long since_us = micros();
    uint32_t lines = 0;

    while (lines == 0 && micros() - since_us < NO_ROW_US) {
        lines = NRF_P0->IN & (AT_HREF | AT_VSYNC);
    }
    return lines == AT_VSYNC;
}

static void leave(uint32_t, const uint8_t *)
{
}

static bool set_up(void)
{
    if (!write_register(0x12, 0x80)) { /* COM7: all registers as after power-on */
        return false;
    }
    delay(5); /* data sheet: 1 ms */
    for (const auto &each : SETTINGS) {
        if (!write_register(each.address, each.value)) {
            return false;
        }
    }
    return true;
}

/* The highest pace at which a frame is read whole. */
static bool find_pace(void)
{
    for (const uint8_t clkrc : PACES) {
        frame_us = FRAME_US_BY_CLKRC * (clkrc + 1u);
        before_us = 0;
        if (!write_register(CLKRC, clkrc)) {
            return false;
        }
        int none = 0;
        for (int i = 0; i < TRIES; i++) {
            const ed_ov7675_result result = ed_ov7675_frame(leave);
            none += result == ED_OV7675_NONE ? 1 : 0;
            if (result == ED_OV7675_WHOLE || none == NONE_MOST) {
                return result == ED_OV7675_WHOLE && ends();
            }
        }
    }
    return false;
}

bool ed_ov7675_begin(void)
{
    for (const uint8_t pin : DATA) {
        pinMode(pin, INPUT);
    }
    /* Pulled down, so that a camera that is taken away leaves nothing that moves. */
    pinMode(VSYNC, INPUT_PULLDOWN);
    pinMode(HREF, INPUT_PULLDOWN);
    pinMode(PCLK, INPUT_PULLDOWN);
    clock_on();
    if (answers_within_50_ms() && is_named() && set_up() && find_pace()) {
        return true;
    }
    ed_ov7675_end();
    return false;
}

void ed_ov7675_end(void)
{
    clock_off();
    digitalWrite(XCLK, LOW);
}

#endif
