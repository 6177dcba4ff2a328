/* A board that no host speaks to begins to stream by itself: docs/wire.md, "Alone". */
#ifndef ED_ALONE_H
#define ED_ALONE_H

#include "app/ed_source.h"
#include "ports/ed_port.h"

#ifndef ED_APP_ALONE_MS
#define ED_APP_ALONE_MS 0 /* never */
#endif

#if ED_APP_ALONE_MS != 0 && (ED_SENSES || ED_APP_SOURCE == ED_SOURCE_RAMP)

/* As at boot: nobody has spoken yet. */
void ed_alone_reset(void);

/* Nothing to do until a byte from the host is waiting, or the time to begin has come: then begin. */
void ed_alone_wait(void);

/* A byte has come from the host. The first one ends what the board began by itself, and all is as
 * at boot; until the next boot it waits for the host. */
void ed_alone_end(void);

#else

static inline void ed_alone_reset(void)
{
}

static inline void ed_alone_wait(void)
{
    ed_port_wait(ED_PORT_FOREVER);
}

static inline void ed_alone_end(void)
{
}

#endif

#endif
