/* A ring of samples between the board's microphone and the firmware, which reads it between two
 * inferences. */
#include <Arduino.h>

#include "ports/arduino/ed_board.h"

/* 256 ms at 16 kHz: more than an inference of a model that listens may take. */
static const uint32_t ROOM = 4096;
/* Interrupts are off while so many are copied: some microseconds. */
static const uint32_t AT_ONCE = 128;

static int16_t ring[ROOM];
static volatile uint32_t put; /* samples since the start, modulo 2^32 */
static uint32_t taken;
static uint32_t lost;

void ed_microphone_put(const int16_t *samples, size_t count)
{
    uint32_t at = put;

    for (size_t i = 0; i < count; i++) {
        ring[at % ROOM] = samples[i];
        at++;
    }
    put = at;
}

/* Where the board has lost some, what came before them is lost as well: always the oldest. */
static void poll(void)
{
    const uint32_t before = put;
    const uint32_t missing = ed_board_microphone_poll();

    if (missing != 0) {
        lost += missing + (before - taken);
        taken = before;
    }
}

/* What has been written over is lost: the oldest. Interrupts are off. */
static uint32_t waiting(void)
{
    if (put - taken > ROOM) {
        lost += put - taken - ROOM;
        taken = put - ROOM;
    }
    return put - taken;
}

extern "C" {

uint32_t ed_port_microphone_rate_hz(void)
{
    return ed_board_microphone_rate_hz();
}

void ed_port_microphone_start(void)
{
    ed_port_microphone_stop();
    put = taken = lost = 0;
    ed_board_microphone_begin();
}

void ed_port_microphone_stop(void)
{
    ed_board_microphone_end();
}

uint32_t ed_port_microphone_waiting(void)
{
    uint32_t count;

    poll();
    noInterrupts();
    count = waiting();
    interrupts();
    return count;
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    size_t count = 0;

    poll();
    while (count < limit) {
        uint32_t part;

        noInterrupts();
        part = waiting();
        part = part < AT_ONCE ? part : AT_ONCE;
        part = part < limit - count ? part : static_cast<uint32_t>(limit - count);
        for (uint32_t i = 0; i < part; i++) {
            to[count++] = ring[taken++ % ROOM];
        }
        interrupts();
        if (part == 0) {
            break;
        }
    }
    return count;
}

uint32_t ed_port_microphone_lost(void)
{
    uint32_t found;

    poll();
    noInterrupts();
    (void)waiting();
    found = lost;
    interrupts();
    return found;
}
}
