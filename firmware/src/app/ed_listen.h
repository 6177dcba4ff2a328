/* Listening: sound into the window, inferences on it, decisions; docs/wire.md, "Listening". The
 * same functions take samples from a microphone and from the host.
 *
 * Firmware that does not listen knows none of it, and is not a byte larger for it. */
#ifndef ED_LISTEN_H
#define ED_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ed_app_config.h"
#include "wire/ed_wire.h"

#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE

#define ED_LISTEN 1

enum { ED_LISTEN_SAMPLES = ED_WIRE_AUDIO_BYTES / 2 };

/* As at boot. */
void ed_listen_reset(void);

/* Whether features can be computed; where not, nothing else here may be called but reset. */
bool ed_listen_is_ready(void);

/* The record of `hello`. */
void ed_listen_describe(void);

/* Clear the window and the decisions; the model forgets its variables. */
void ed_listen_forget(void);

/* Room for ED_LISTEN_SAMPLES samples that are about to be heard. */
int16_t *ed_listen_room(void);

/* The same for a host that sends them as bytes, as ed_input.h has it for inputs: how many will
 * come, at most ED_WIRE_AUDIO_BYTES; where byte `offset` of them is to be written, and in *length
 * how many from there on; and their CRC-32. */
void ed_listen_expect(uint32_t bytes);
uint8_t *ed_listen_at(size_t offset, size_t *length);
uint32_t ed_listen_crc(void);

/* Append the first `count` samples of the room to the window. */
void ed_listen_hear(uint32_t count);

/* What a stream adds to a result. Null for a result that stands alone: no decision is made. */
typedef struct {
    uint32_t overruns;
    uint32_t lost;
} ed_listen_losses;

/* One inference on the window, and its `ed-result`. Takes the place of a loaded input. */
void ed_listen_infer(const ed_listen_losses *losses);

/* Send the window. */
void ed_listen_show_window(void);

#else

#define ED_LISTEN 0

static inline void ed_listen_reset(void)
{
}

static inline void ed_listen_describe(void)
{
}

#endif

#endif
