/* The inertial sensor: its own FIFO holds what comes during an inference; what is read of it is
 * brought to the rate that the model wants. */
#include <Arduino.h>

#include "ports/arduino/ed_board.h"

extern "C" {
#include "ports/arduino/ed_resample.h"
}

static_assert(ED_PORT_IMU_AXES == ED_RESAMPLE_AXES, "one sample is as long here as there");

/* Half a second at 476 Hz. */
static const uint32_t ROOM = 256;

static const ed_imu_sensor *sensor; /* null: nothing runs */
static ed_resample resample;
static int16_t ring[ROOM][ED_PORT_IMU_AXES];
static uint32_t put;
static uint32_t taken;
static uint32_t lost;
static uint32_t rate_hz;
static uint64_t polled_us;

static void keep(const int16_t *sample)
{
    for (uint32_t axis = 0; axis < ED_PORT_IMU_AXES; axis++) {
        ring[put % ROOM][axis] = sample[axis];
    }
    put++;
    if (put - taken > ROOM) {
        taken++;
        lost++;
    }
}

/* Empty the sensor's FIFO. */
static void poll(void)
{
    int16_t sample[ED_PORT_IMU_AXES];
    uint64_t now_us;
    const uint32_t before = put;
    uint32_t came = 0;
    bool overrun;

    if (sensor == nullptr) {
        return;
    }
    now_us = ed_port_time_us();
    overrun = sensor->overrun();
    while (sensor->read(sample)) {
        ed_resample_put(&resample, sample);
        while (ed_resample_next(&resample, sample)) {
            keep(sample);
            came++;
        }
    }
    if (overrun) {
        /* How many it does not say; the clock does. What came before them is lost as well. */
        const uint64_t due = (now_us - polled_us) * rate_hz / 1000000u;
        lost += due > came ? static_cast<uint32_t>(due) - came : 1u;
        for (; static_cast<int32_t>(before - taken) > 0; taken++) {
            lost++;
        }
    }
    polled_us = now_us;
}

extern "C" {

bool ed_port_imu_start(uint32_t wanted_hz)
{
    const ed_imu_sensor *found = ed_board_imu();
    uint32_t rate_mhz;

    ed_port_imu_stop();
    if (found == nullptr || wanted_hz == 0) {
        return false;
    }
    rate_mhz = found->begin(wanted_hz);
    if (rate_mhz == 0) {
        return false;
    }
    ed_resample_begin(&resample, rate_mhz, wanted_hz * 1000u);
    put = taken = lost = 0;
    rate_hz = wanted_hz;
    polled_us = ed_port_time_us();
    sensor = found;
    return true;
}

void ed_port_imu_stop(void)
{
    if (sensor != nullptr) {
        sensor->end();
        sensor = nullptr;
    }
}

uint32_t ed_port_imu_waiting(void)
{
    poll();
    return put - taken;
}

size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit)
{
    size_t count = 0;

    poll();
    for (; count < limit && taken != put; count++, taken++) {
        for (uint32_t axis = 0; axis < ED_PORT_IMU_AXES; axis++) {
            to[count][axis] = ring[taken % ROOM][axis];
        }
    }
    return count;
}

uint32_t ed_port_imu_lost(void)
{
    poll();
    return lost;
}
}
