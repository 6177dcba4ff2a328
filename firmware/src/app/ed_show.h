/* What a person who looks at the board sees of a stream, whether or not a host listens:
 * docs/arduino_port.md, "What it shows".
 *
 * A stream that has no end is shown. One of so many results is somebody's measurement, and so is
 * every inference that a host asks for: they show nothing. */
#ifndef ED_SHOW_H
#define ED_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_decision.h"
#include "app/ed_source.h"
#include "model/ed_model.h"

/* As at boot: dark. */
void ed_show_reset(void);

/* A stream begins, to be shown or not; or ends. Dark until it has something to show. */
void ed_show_begin(bool shown);
void ed_show_end(void);

#if ED_SENSES

/* A result was taken by ed_decision_put() at `now_us`, and made the decision `made`, or none: null.
 * A label is shown from its decision until SHOWN_US after the last result that it still held at. */
void ed_show_decision(const ed_model_tensor *output, const ed_decision *made, uint64_t now_us);

#elif ED_APP_SOURCE == ED_SOURCE_RAMP

/* A result stands in `data`: where it is one 8-bit number, it is shown as a brightness, its least
 * as 0 and its largest as 255. */
void ed_show_level(const ed_model_tensor *output, const void *data);

#endif

#endif
