/* A board whose serial port is the simulator's standard input and output; the rest of it is the
 * template's. It ends when the input does. */
#define main ed_template_main
#define ed_port_read ed_template_read
#define ed_port_write ed_template_write
#define ed_port_time_us ed_template_time_us
#include "ports/template/port.c"
#undef main
#undef ed_port_read
#undef ed_port_write
#undef ed_port_time_us

#include "bare.h"
#include "simulator.h"

size_t ed_port_read(uint8_t *to, size_t limit)
{
    const int32_t count = ed_simcall(3, 0, (int32_t)to, (int32_t)limit);

    if (count <= 0) {
        ed_exit(0);
    }
    return (size_t)count;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    ed_simcall(4, 1, (int32_t)bytes, (int32_t)count);
}

uint64_t ed_port_time_us(void)
{
    static uint64_t now_us; /* a clock that only goes where it is looked at */

    return now_us++;
}

void ed_main(void)
{
    ed_app_run();
}
