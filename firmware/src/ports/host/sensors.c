/* This computer as a board senses nothing; what is to be sensed comes over the wire (`hear`). */
#include "ports/ed_port.h"

uint32_t ed_port_sensors(void)
{
    return 0;
}

uint32_t ed_port_microphone_rate_hz(void)
{
    return 0;
}

void ed_port_microphone_start(void)
{
}

void ed_port_microphone_stop(void)
{
}

uint32_t ed_port_microphone_waiting(void)
{
    return 0;
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    (void)to;
    (void)limit;
    return 0;
}

uint32_t ed_port_microphone_lost(void)
{
    return 0;
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
