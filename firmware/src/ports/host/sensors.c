/* This computer as a board senses nothing; sound comes over the wire (`hear`). */
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
