/* What the virtual Nano 33 BLE senses: docs/virtual_board.md, "Sensors". */
#include "ports/ed_port.h"

#include "registers.h"

uint32_t ed_port_sensors(void)
{
    return SYSTEM_SENSORS;
}

uint32_t ed_port_microphone_rate_hz(void)
{
    return (SYSTEM_SENSORS & ED_PORT_MICROPHONE) != 0 ? MICROPHONE_RATE_HZ : 0;
}

void ed_port_microphone_start(void)
{
    MICROPHONE_CONTROL = 1;
}

void ed_port_microphone_stop(void)
{
    MICROPHONE_CONTROL = 0;
}

uint32_t ed_port_microphone_waiting(void)
{
    return MICROPHONE_AVAILABLE;
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    MICROPHONE_ADDR = (uint32_t)(uintptr_t)to;
    MICROPHONE_TAKE = (uint32_t)limit;
    MEMORY_BARRIER();
    return MICROPHONE_TAKEN;
}

uint32_t ed_port_microphone_lost(void)
{
    return MICROPHONE_LOST;
}

bool ed_port_imu_start(uint32_t rate_hz)
{
    if ((SYSTEM_SENSORS & ED_PORT_IMU) == 0) {
        return false;
    }
    IMU_CONTROL = 0; /* settings are taken while it is off, where they can be had */
    IMU_RATE_HZ = rate_hz;
    if (IMU_RATE_HZ != rate_hz) {
        return false;
    }
    IMU_CONTROL = 1;
    return true;
}

void ed_port_imu_stop(void)
{
    IMU_CONTROL = 0;
}

uint32_t ed_port_imu_waiting(void)
{
    return IMU_AVAILABLE;
}

size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit)
{
    IMU_ADDR = (uint32_t)(uintptr_t)to;
    IMU_TAKE = (uint32_t)limit;
    MEMORY_BARRIER();
    return IMU_TAKEN;
}

uint32_t ed_port_imu_lost(void)
{
    return IMU_LOST;
}

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    if ((SYSTEM_SENSORS & ED_PORT_CAMERA) == 0) {
        return false;
    }
    CAMERA_CONTROL = 0;
    CAMERA_WIDTH = width;
    CAMERA_HEIGHT = height;
    CAMERA_PERIOD_MS = period_ms;
    if (CAMERA_WIDTH != width || CAMERA_HEIGHT != height || CAMERA_PERIOD_MS != period_ms) {
        return false;
    }
    CAMERA_CONTROL = 1;
    return true;
}

void ed_port_camera_stop(void)
{
    CAMERA_CONTROL = 0;
}

bool ed_port_camera_waiting(void)
{
    return CAMERA_AVAILABLE != 0;
}

bool ed_port_camera_read(uint8_t *to)
{
    CAMERA_ADDR = (uint32_t)(uintptr_t)to;
    CAMERA_TAKE = 1;
    MEMORY_BARRIER();
    return CAMERA_TAKEN != 0;
}

uint32_t ed_port_camera_lost(void)
{
    return CAMERA_LOST;
}
