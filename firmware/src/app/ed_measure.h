/* What an inference costs, by the board's counters: as a whole, and layer by layer. */
#ifndef ED_MEASURE_H
#define ED_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "ports/ed_port.h"

/* Run the model once on the input that stands in its buffers, and put into *spent what it cost.
 * With `layers` a lap is kept for each layer: their sums are exactly *spent, because one snapshot
 * ends a layer and begins the next, and the last layer ends where the run does. Taking a snapshot
 * is then part of the layer that follows it. */
void ed_measure_invoke(bool layers, ed_port_counts *spent);

/* Add fields to a record: us, cycles, ... as far as they are known. */
void ed_measure_report(const ed_port_counts *spent);

/* The same for a layer of the last ed_measure_invoke(true, ...). */
void ed_measure_report_layer(uint32_t layer);

/* Which counters the board has: a list for `hello`. */
void ed_measure_report_counters(const char *key);

#endif
