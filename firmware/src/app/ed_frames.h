/* When to look for the next frame of a camera, whose clock is not ours. */
#ifndef ED_FRAMES_H
#define ED_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_sensor.h"

#if ED_SENSOR == ED_SOURCE_CAMERA

/* The camera was started. */
void ed_frames_begin(ed_source_progress *progress, uint64_t now_us);

/* Take the waiting frame to `to`, as ed_sensor_read_frame(). Where none is waiting, *next_us is
 * when to look again. */
bool ed_frames_take(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us, uint8_t *to);

#endif

#endif
