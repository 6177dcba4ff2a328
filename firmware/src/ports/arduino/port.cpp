/* The serial port, the clock and the counters of an Arduino core. */
#include <Arduino.h>

#include "ports/arduino/ed_board.h"

extern "C" {
#include "app/ed_app.h"
}

/* What a USB port does not take within this time is lost: no host listens, or it has stopped to. */
static const uint32_t SEND_MS = 1000;
/* A last record is on its way to a host that polls each millisecond. Not Serial.flush(): that of
 * arduino-esp32 2.0 waits without end for a host that has gone (HWCDC.cpp). */
static const uint32_t DRAIN_MS = 20;

/* A counter of 32 bits that goes on where it overflows. It must be looked at once a turn. */
class Extended
{
  public:
    uint64_t at(uint32_t now)
    {
        if (now < last_) {
            turns_++;
        }
        last_ = now;
        return (static_cast<uint64_t>(turns_) << 32) | now;
    }

  private:
    uint32_t last_ = 0;
    uint32_t turns_ = 0;
};

static Extended microseconds; /* a turn is 71 minutes */
static Extended cycles; /* a turn is 67 s at 64 MHz, 17 s at 240 MHz: more than a run takes */

extern "C" {

void ed_port_init(void)
{
    ed_board_serial_begin();
    ed_board_init();
}

size_t ed_port_read(uint8_t *to, size_t limit)
{
    size_t count = 0;

    while (count < limit && Serial.available() > 0) {
        const int byte = Serial.read();
        if (byte < 0) {
            break;
        }
        to[count++] = static_cast<uint8_t>(byte);
    }
    return count;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    /* Whoever took nothing for so long is not waited for again before it takes something. */
    static bool listened = true;

    listened = ed_board_write(bytes, count, listened ? SEND_MS : 0) == count;
}

uint32_t ed_port_room(void)
{
    return ed_board_room();
}

uint64_t ed_port_time_us(void)
{
    return microseconds.at(static_cast<uint32_t>(micros()));
}

void ed_port_counters(ed_port_counts *now)
{
    const uint64_t cycles_board = cycles.at(ed_board_cycles());

    now->value[ED_PORT_US] = ed_port_time_us();
    now->value[ED_PORT_CYCLES] = 0;
    now->value[ED_PORT_CYCLES_BOARD] = cycles_board; /* silicon's have its wait states in them */
    now->value[ED_PORT_INSTRUCTIONS] = 0;
    now->value[ED_PORT_ENERGY_NJ] = 0;
    now->known = 1u << ED_PORT_US | 1u << ED_PORT_CYCLES_BOARD;
}

void ed_port_wait(uint32_t us)
{
    const uint64_t begun_us = ed_port_time_us();

    while (Serial.available() <= 0 &&
           (us == ED_PORT_FOREVER || ed_port_time_us() - begun_us < us)) {
        delay(1); /* the core sleeps in it */
    }
}

void ed_port_wait_timed(uint32_t us)
{
    const uint64_t begun_us = ed_port_time_us();
    uint64_t passed_us = 0;

    while (Serial.available() <= 0 && passed_us < us) {
        const uint64_t left_us = us - passed_us;
        if (left_us > 1000u) {
            delay(1);
        } else {
            delayMicroseconds(static_cast<unsigned int>(left_us));
        }
        passed_us = ed_port_time_us() - begun_us;
    }
}

void ed_port_reset(void)
{
    delay(DRAIN_MS);
    ed_board_restart();
}

ed_port_reset_reason ed_port_boot_reason(void)
{
    return ed_board_reset_reason();
}

const char *ed_port_variant(void)
{
    return ed_board_variant();
}

ed_port_stack_bounds ed_port_stack(void)
{
    return ed_board_stack();
}

bool ed_port_led(bool on)
{
    ed_board_led(on);
    return true;
}

ed_port_memory ed_port_spare(uint32_t i)
{
    static uint8_t *held;
    size_t bytes = 0;
    ed_port_memory spare = {nullptr, nullptr};

    if (held != nullptr) {
        ed_board_give_back(held);
    }
    held = ed_board_spare(i, &bytes);
    if (held != nullptr) {
        spare.low = held;
        spare.high = held + bytes;
    }
    return spare;
}

uint32_t ed_port_sensors(void)
{
    return ed_board_sensors();
}
}

void setup()
{
    ed_app_run();
}

void loop()
{
}
