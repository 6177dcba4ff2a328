/* The camera of a Nano 33 BLE. Nothing but the core can read it, so a frame is read when the firmware
 * asks and its time has come: between two inferences. Those whose time came while it did not ask are
 * lost, and the newest is read. */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_ov7675.h"

/* After a row was missed the next frame is read in its place. */
static const int TRIES = 2;

static bool running;
static bool halved;
static uint64_t due_us;
static uint64_t every_us;
static uint32_t lost;
static uint8_t *picture;

static void whole(uint32_t row, const uint8_t *pixels)
{
    uint8_t *const to = picture + row * ED_OV7675_WIDTH;

    for (uint32_t i = 0; i < ED_OV7675_WIDTH; i++) {
        to[i] = pixels[i];
    }
}

/* The mean of each 2 x 2 pixels. An OV7675 cannot make its picture that small by itself: Arduino's
 * library cuts 160 x 120 out of a larger one. */
static void half(uint32_t row, const uint8_t *pixels)
{
    static uint16_t above[ED_OV7675_WIDTH / 2];
    uint8_t *const to = picture + row / 2 * (ED_OV7675_WIDTH / 2);

    for (uint32_t i = 0; i < ED_OV7675_WIDTH / 2; i++) {
        const uint32_t two = static_cast<uint32_t>(pixels[2 * i]) + pixels[2 * i + 1];
        if (row % 2 == 0) {
            above[i] = static_cast<uint16_t>(two);
        } else {
            to[i] = static_cast<uint8_t>((above[i] + two + 2u) / 4u);
        }
    }
}

extern "C" {

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    ed_port_camera_stop();
    halved = width == ED_OV7675_WIDTH / 2 && height == ED_OV7675_HEIGHT / 2;
    if ((ed_board_sensors() & ED_PORT_CAMERA) == 0 || period_ms == 0 ||
        (!halved && (width != ED_OV7675_WIDTH || height != ED_OV7675_HEIGHT)) ||
        !ed_ov7675_begin()) {
        return false;
    }
    running = true;
    lost = 0;
    every_us = period_ms * UINT64_C(1000);
    due_us = ed_port_time_us() + every_us;
    return true;
}

void ed_port_camera_stop(void)
{
    if (running) {
        running = false;
        ed_ov7675_end();
    }
}

bool ed_port_camera_waiting(void)
{
    return running && ed_port_time_us() >= due_us;
}

bool ed_port_camera_read(uint8_t *to)
{
    if (!ed_port_camera_waiting()) {
        return false;
    }
    const uint64_t missed = (ed_port_time_us() - due_us) / every_us;
    due_us += (missed + 1u) * every_us;
    lost += static_cast<uint32_t>(missed);
    picture = to;
    ed_ov7675_result result = ED_OV7675_TORN;
    for (int i = 0; i < TRIES && result == ED_OV7675_TORN; i++) {
        result = ed_ov7675_frame(halved ? half : whole);
    }
    lost += result == ED_OV7675_WHOLE ? 0 : 1;
    return result == ED_OV7675_WHOLE;
}

uint32_t ed_port_camera_lost(void)
{
    return lost;
}
}

#endif
