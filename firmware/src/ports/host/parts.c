/* This computer as a board: nothing to show a person, and its memory is the system's to try. */
#include "ports/ed_port.h"

uint32_t ed_port_room(void)
{
    return 0;
}

const char *ed_port_variant(void)
{
    return NULL;
}

bool ed_port_led(bool on)
{
    (void)on;
    return false;
}

void ed_port_show(const ed_port_shown *shown)
{
    (void)shown;
}

ed_port_memory ed_port_spare(uint32_t i)
{
    const ed_port_memory none = {NULL, NULL};

    (void)i;
    return none;
}
