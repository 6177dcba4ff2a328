/* The virtual board has neither LED nor display; its RAM ends where the linker script says. */
#include "ports/ed_port.h"

/* From link.ld. */
extern uint8_t ed_bss_high[];
extern uint8_t ed_ram_high[];

uint32_t ed_port_room(void)
{
    return 0;
}

const char *ed_port_variant(void)
{
    return NULL; /* the build knows whose clock this is */
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
    /* As a number: the linker's symbol need not lie at a word. */
    const uintptr_t low = ((uintptr_t)ed_bss_high + 3u) & ~(uintptr_t)3u;
    const ed_port_memory spare = {(uint8_t *)low, ed_ram_high};
    const ed_port_memory none = {NULL, NULL};

    return i == 0 && low < (uintptr_t)ed_ram_high ? spare : none;
}
