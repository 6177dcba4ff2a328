/* Sensing: raw samples into the window, inferences on it, decisions; docs/wire.md, "Sensing". The
 * same functions take samples from a sensor and from the host.
 *
 * Firmware that does not sense knows none of it, and is not a byte larger for it. */
#ifndef ED_SENSE_H
#define ED_SENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_source.h"

#if ED_SENSES

/* As at boot. */
void ed_sense_reset(void);

/* Whether features can be computed; where not, nothing else here may be called but reset and
 * describe. */
bool ed_sense_is_ready(void);

/* The record of `hello`. */
void ed_sense_describe(void);

/* Say on the wire what is missing for a stream: features, or the sensor. */
void ed_sense_refuse(void);

/* Clear the window and the decisions; the model forgets its variables. */
void ed_sense_forget(void);

/* Append the first `count` samples of the window's room to it. */
void ed_sense_append(uint32_t count);

/* What a stream adds to a result. Null for a result that stands alone: no decision is made. */
typedef struct {
    uint32_t overruns;
    uint32_t lost;
} ed_sense_losses;

/* One inference on the window, and its `ed-result`. Takes the place of a loaded input. */
void ed_sense_infer(const ed_sense_losses *losses);

/* Send the window. */
void ed_sense_show_window(void);

#else

static inline void ed_sense_reset(void)
{
}

#endif

#endif
