/* What the virtual Nano 33 BLE senses: docs/virtual_board.md, "Microphone". No IMU, no camera. */
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
