/* The camera of boards that have none, or none that this port drives. */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include "ports/arduino/ed_board.h"

extern "C" {

bool ed_port_camera_start(uint32_t, uint32_t, uint32_t)
{
    return false;
}

void ed_port_camera_stop(void)
{
}

bool ed_port_camera_waiting(void)
{
    return false;
}

bool ed_port_camera_read(uint8_t *)
{
    return false;
}

uint32_t ed_port_camera_lost(void)
{
    return 0;
}
}

#endif
