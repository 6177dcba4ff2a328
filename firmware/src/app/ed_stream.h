/* Inferences on the board's own source, or its raw samples: docs/wire.md, "stream", "raw". */
#ifndef ED_STREAM_H
#define ED_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ed_wire.h"

/* As at boot: no stream, nothing said about one that was. */
void ed_stream_reset(void);

/* Begin a stream of `results` inferences, 0: until it is stopped. One that runs begins anew.
 * A loaded input is forgotten: the stream takes its place.
 * ED_MISSING: this board has no source, or not as the lab wants it. */
ed_status ed_stream_start(uint32_t results);

/* End the stream, and say so; nothing where there is none. */
void ed_stream_stop(void);

bool ed_stream_is_on(void);

/* Do what is due, or wait for it, or for a byte from the host. */
void ed_stream_step(void);

/* How many results the stream that is on may still give; UINT32_MAX where it has no end. */
uint32_t ed_stream_left(void);

#endif
