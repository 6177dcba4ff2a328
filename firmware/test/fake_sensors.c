/* Stands for ports/host/sensors.c: a microphone, an IMU and a camera that sense a file, as fast as it
 * is read. At its end nothing comes any more.
 *
 * ED_FAKE_SENSED names a file of raw samples: 16-bit sound, six 16-bit axes, or frames of 8-bit
 * pixels. ED_FAKE_LATE and ED_FAKE_LOST are lists with commas: positions (in samples or frames given
 * out) at which a whole second is waiting, and after which 100 samples more were lost (of frames,
 * one). ED_FAKE_RATE is the microphone's rate; an IMU and a camera refuse to start where it is set. */
#include "ports/ed_port.h"

#include <stdio.h>
#include <stdlib.h>

enum { RATE_HZ = 16000, LOST_AT_A_TIME = 100 };

static FILE *sensed;
static unsigned long given;
static size_t frame_bytes;

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

static void stop(void)
{
    if (sensed != NULL) {
        (void)fclose(sensed);
        sensed = NULL;
    }
}

static void start(void)
{
    stop();
    sensed = fopen(getenv("ED_FAKE_SENSED"), "rb");
    given = 0;
}

/* Pieces of many sizes, none of them that of what is asked for. */
static size_t take(void *to, size_t bytes, size_t limit)
{
    const size_t some = 1 + (given * 7919u) % 301u;
    const size_t got = fread(to, bytes, limit < some ? limit : some, sensed);

    given += got;
    return got;
}

static uint32_t waiting(void)
{
    return count(getenv("ED_FAKE_LATE"), 0) != 0 ? RATE_HZ : 0;
}

static uint32_t lost(void)
{
    return LOST_AT_A_TIME * count(getenv("ED_FAKE_LOST"), 1);
}

uint32_t ed_port_sensors(void)
{
    return ED_PORT_MICROPHONE | ED_PORT_IMU | ED_PORT_CAMERA;
}

uint32_t ed_port_microphone_rate_hz(void)
{
    const char *rate = getenv("ED_FAKE_RATE");

    return rate != NULL ? (uint32_t)strtoul(rate, NULL, 10) : RATE_HZ;
}

void ed_port_microphone_start(void)
{
    start();
}

void ed_port_microphone_stop(void)
{
    stop();
}

uint32_t ed_port_microphone_waiting(void)
{
    return waiting();
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    return take(to, sizeof *to, limit);
}

uint32_t ed_port_microphone_lost(void)
{
    return lost();
}

bool ed_port_imu_start(uint32_t rate_hz)
{
    (void)rate_hz;
    if (getenv("ED_FAKE_RATE") != NULL) {
        return false;
    }
    start();
    return true;
}

void ed_port_imu_stop(void)
{
    stop();
}

uint32_t ed_port_imu_waiting(void)
{
    return waiting();
}

size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit)
{
    return take(to, sizeof *to, limit);
}

uint32_t ed_port_imu_lost(void)
{
    return lost();
}

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    (void)period_ms;
    if (getenv("ED_FAKE_RATE") != NULL) {
        return false;
    }
    start();
    frame_bytes = (size_t)width * height;
    return true;
}

void ed_port_camera_stop(void)
{
    stop();
}

bool ed_port_camera_waiting(void)
{
    return sensed != NULL;
}

bool ed_port_camera_read(uint8_t *to)
{
    static unsigned looks;

    looks++;
    if (looks % 3 == 0) { /* it is not there yet */
        return false;
    }
    if (fread(to, frame_bytes, 1, sensed) != 1) {
        return false;
    }
    given++;
    return true;
}

uint32_t ed_port_camera_lost(void)
{
    return count(getenv("ED_FAKE_LOST"), 1);
}
