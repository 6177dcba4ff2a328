/* Stands for ports/host/sensors.c: a microphone that hears a file, as fast as it is read.
 *
 * ED_FAKE_SOUND names a file of 16-bit samples. ED_FAKE_LATE and ED_FAKE_LOST are lists with commas:
 * positions (in samples given out) at which a whole second is waiting, and after which 100 samples
 * more were lost. At the end nothing comes any more. */
#include "ports/ed_port.h"

#include <stdio.h>
#include <stdlib.h>

enum { RATE_HZ = 16000, LOST_AT_A_TIME = 100 };

static FILE *sound;
static unsigned long given;

/* How many numbers of a list are `given` (above: at most so much). */
static uint32_t count(const char *list, int above)
{
    uint32_t found = 0;

    while (list != NULL && *list != '\0') {
        char *end;
        const unsigned long at = strtoul(list, &end, 10);
        found += at == given || (above && at < given);
        list = *end == ',' ? end + 1 : end;
    }
    return found;
}

uint32_t ed_port_sensors(void)
{
    return ED_PORT_MICROPHONE;
}

uint32_t ed_port_microphone_rate_hz(void)
{
    const char *rate = getenv("ED_FAKE_RATE");

    return rate != NULL ? (uint32_t)strtoul(rate, NULL, 10) : RATE_HZ;
}

void ed_port_microphone_start(void)
{
    ed_port_microphone_stop();
    sound = fopen(getenv("ED_FAKE_SOUND"), "rb");
    given = 0;
}

void ed_port_microphone_stop(void)
{
    if (sound != NULL) {
        (void)fclose(sound);
        sound = NULL;
    }
}

uint32_t ed_port_microphone_waiting(void)
{
    return count(getenv("ED_FAKE_LATE"), 0) != 0 ? RATE_HZ : 0;
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    /* Pieces of many sizes, none of them a frame's. */
    const size_t some = 1 + (given * 7919u) % 301u;
    const size_t got = fread(to, sizeof *to, limit < some ? limit : some, sound);

    given += got;
    return got;
}

uint32_t ed_port_microphone_lost(void)
{
    return LOST_AT_A_TIME * count(getenv("ED_FAKE_LOST"), 1);
}

bool ed_port_imu_start(uint32_t rate_hz)
{
    (void)rate_hz;
    return false;
}

void ed_port_imu_stop(void)
{
}

uint32_t ed_port_imu_waiting(void)
{
    return 0;
}

size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit)
{
    (void)to;
    (void)limit;
    return 0;
}

uint32_t ed_port_imu_lost(void)
{
    return 0;
}

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    (void)width;
    (void)height;
    (void)period_ms;
    return false;
}

void ed_port_camera_stop(void)
{
}

bool ed_port_camera_waiting(void)
{
    return false;
}

bool ed_port_camera_read(uint8_t *to)
{
    (void)to;
    return false;
}

uint32_t ed_port_camera_lost(void)
{
    return 0;
}
