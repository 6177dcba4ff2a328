#include "app/ed_alone.h"

#if ED_APP_ALONE_MS != 0 && (ED_SENSES || ED_APP_SOURCE == ED_SOURCE_RAMP)

#include <stdbool.h>

#include "app/ed_sense.h"
#include "app/ed_state.h"
#include "app/ed_stream.h"

static bool alone; /* and the host may be waited for no longer than until due_us */
static bool began;
static uint64_t due_us;

void ed_alone_reset(void)
{
    alone = true;
    began = false;
    due_us = ed_port_time_us() + ED_APP_ALONE_MS * (uint64_t)1000;
}

void ed_alone_wait(void)
{
    const uint64_t now_us = ed_port_time_us();

    if (!alone || began) {
        ed_port_wait(ED_PORT_FOREVER);
    } else if (now_us < due_us) {
        ed_port_wait((uint32_t)(due_us - now_us));
    } else {
        began = true; /* or has tried to: a board without the sensor waits for the host */
        (void)ed_stream_start(0);
    }
}

void ed_alone_end(void)
{
    if (!alone) {
        return;
    }
    alone = false;
    if (began) {
        ed_stream_stop();
#if ED_SENSES
        ed_sense_reset();
#else
        ed_state_reset();
#endif
    }
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_alone_of_firmware_that_waits_for_a_host_only;

#endif
