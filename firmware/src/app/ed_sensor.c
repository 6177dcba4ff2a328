#include "app/ed_sensor.h"

#if ED_SENSOR != ED_SOURCE_NONE

#include "ports/ed_port.h"
#include "wire/ed_record.h"

static void refuse_for(const char *missing)
{
    ed_record_begin("error");
    ed_record_text("code", "no-source");
    ed_record_text("missing", missing);
    ed_record_end();
}

#if ED_SENSOR == ED_SOURCE_MICROPHONE

void ed_sensor_describe(void)
{
    ed_record_u64("rate_hz", ED_APP_SENSOR_RATE_HZ);
}

ed_status ed_sensor_start(void)
{
    if (ed_port_microphone_rate_hz() != ED_APP_SENSOR_RATE_HZ) {
        return ED_MISSING;
    }
    ed_port_microphone_start();
    return ED_OK;
}

void ed_sensor_stop(void)
{
    ed_port_microphone_stop();
}

uint32_t ed_sensor_lost(void)
{
    return ed_port_microphone_lost();
}

void ed_sensor_refuse(void)
{
    const uint32_t rate_hz = ed_port_microphone_rate_hz();

    if (rate_hz == 0) {
        refuse_for(ED_SENSOR_NAME);
        return;
    }
    ed_record_begin("error");
    ed_record_text("code", "no-source");
    ed_record_u64("rate_hz", rate_hz);
    ed_record_end();
}

uint32_t ed_sensor_waiting(void)
{
    return ed_port_microphone_waiting();
}

uint32_t ed_sensor_read(void *to, uint32_t limit)
{
    return (uint32_t)ed_port_microphone_read(to, limit);
}

#else

#if ED_SENSOR == ED_SOURCE_IMU

void ed_sensor_describe(void)
{
    ed_record_u64("rate_hz", ED_APP_SENSOR_RATE_HZ);
    ed_record_u64("axes", ED_APP_SENSOR_AXES);
}

ed_status ed_sensor_start(void)
{
    return ed_port_imu_start(ED_APP_SENSOR_RATE_HZ) ? ED_OK : ED_MISSING;
}

void ed_sensor_stop(void)
{
    ed_port_imu_stop();
}

uint32_t ed_sensor_lost(void)
{
    return ed_port_imu_lost();
}

uint32_t ed_sensor_waiting(void)
{
    return ed_port_imu_waiting();
}

uint32_t ed_sensor_read(void *to, uint32_t limit)
{
    const uint32_t count = (uint32_t)ed_port_imu_read(to, limit);

#if ED_APP_SENSOR_AXES != ED_PORT_IMU_AXES
    int16_t *packed = to;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t axis = 0; axis < ED_APP_SENSOR_AXES; axis++) {
            packed[i * ED_APP_SENSOR_AXES + axis] = packed[i * ED_PORT_IMU_AXES + axis];
        }
    }
#endif
    return count;
}

#else

void ed_sensor_describe(void)
{
    ed_record_u64("width", ED_APP_SENSOR_WIDTH);
    ed_record_u64("height", ED_APP_SENSOR_HEIGHT);
    ed_record_u64("period_ms", ED_APP_SENSOR_PERIOD_MS);
}

ed_status ed_sensor_start(void)
{
    return ed_port_camera_start(ED_APP_SENSOR_WIDTH, ED_APP_SENSOR_HEIGHT, ED_APP_SENSOR_PERIOD_MS)
               ? ED_OK
               : ED_MISSING;
}

void ed_sensor_stop(void)
{
    ed_port_camera_stop();
}

uint32_t ed_sensor_lost(void)
{
    return ed_port_camera_lost();
}

bool ed_sensor_read_frame(uint8_t *to)
{
    return ed_port_camera_read(to);
}

#endif

void ed_sensor_refuse(void)
{
    const uint32_t it = ED_SENSOR == ED_SOURCE_IMU ? ED_PORT_IMU : ED_PORT_CAMERA;

    refuse_for((ed_port_sensors() & it) != 0 ? "settings" : ED_SENSOR_NAME);
}

#endif

#if ED_SENSOR == ED_SOURCE_MICROPHONE

uint32_t ed_sensor_us(uint32_t samples)
{
    /* Rounded up: a little early would be a wait for nothing. */
    return (samples * 1000000u + ED_APP_SENSOR_RATE_HZ - 1u) / ED_APP_SENSOR_RATE_HZ;
}

#elif ED_SENSOR == ED_SOURCE_IMU

uint32_t ed_sensor_us(uint32_t samples)
{
    enum { PERIOD_US = 1000000u / ED_APP_SENSOR_RATE_HZ, LOOKS = 8 };

    /* When the last one came is not known, and a period is long: from the one before on, the last is
     * looked for more often than it comes. */
    return samples > 1 ? (samples - 1u) * PERIOD_US : PERIOD_US / LOOKS + 1u;
}

#endif

#else

/* ISO C wants a declaration in every file. */
typedef int ed_sensor_of_firmware_that_senses_only;

#endif
