/* The window that a listening model looks at: the features of the last frames, oldest first, in
 * the model's input quantization. Features are computed once, when a frame's last sample comes. */
#ifndef ED_WINDOW_H
#define ED_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "ed_app_config.h"
#include "wire/ed_wire.h"

#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE

/* [frames][bins] int8, as input 0 of the model takes it. */
enum { ED_WINDOW_BYTES = ED_APP_AUDIO_FRAMES * ED_APP_AUDIO_BINS };

/* Make ready what features are computed with. Once a boot, before anything else here.
 * ED_RANGE: not with these settings. */
ed_status ed_window_init(void);

/* Every frame is one of digital silence, no samples are held, no frames counted. */
void ed_window_clear(void);

/* Append samples, any number of them; the features of each frame that they complete go in. */
void ed_window_put(const int16_t *samples, size_t count);

/* How many samples the next frame waits for, at least 1. */
uint32_t ed_window_missing(void);

/* Frames that were completed since the window was cleared. */
uint32_t ed_window_frames(void);

/* Copy `count` bytes of the window from byte `offset` on, oldest frame first. */
void ed_window_copy(int8_t *to, uint32_t offset, uint32_t count);

#endif

#endif
