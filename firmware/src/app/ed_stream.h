/* Inferences on the board's own source: docs/wire.md, "stream". */
#ifndef ED_STREAM_H
#define ED_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ed_wire.h"

/* As at boot: no stream, nothing said about one that was. */
void ed_stream_reset(void);

/* Begin a stream of `results` inferences, 0: until it is stopped. One that runs begins anew.
 * A loaded input is forgotten: the stream takes its place.
 * ED_MISSING: this board has no source, or not the one that the lab listens to. */
ed_status ed_stream_start(uint32_t results);

/* End the stream, and say so; nothing where there is none. */
void ed_stream_stop(void);

bool ed_stream_is_on(void);

/* Do what is due, or wait for it, or for a byte from the host. */
void ed_stream_step(void);

/* "none", "ramp" or "microphone", as `hello` gives it. */
const char *ed_stream_source(void);

#endif
