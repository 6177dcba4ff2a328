/* The window that a sensing model looks at: its input, made of raw samples by the lab's features.
 *
 * ed_window_audio.c: the features of the last frames of sound, each computed once, when its last
 * sample comes. ed_window_motion.c: of the last samples of an inertial sensor, computed when they
 * are asked for. ed_window_image.c: the last whole frame of a camera, scaled when it is whole. */
#ifndef ED_WINDOW_H
#define ED_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_sensor.h"
#include "app/ed_source.h"
#include "ed_model_config.h"
#include "wire/ed_wire.h"

#if ED_SENSES

/* The window: int8, as input 0 of the model takes it. */
#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE
#define ED_WINDOW_BYTES (ED_APP_AUDIO_FRAMES * ED_APP_AUDIO_BINS)
#elif ED_APP_SOURCE == ED_SOURCE_IMU
#define ED_WINDOW_BYTES ED_APP_MOTION_ELEMENTS
#else
#define ED_WINDOW_BYTES (ED_APP_IMAGE_WIDTH * ED_APP_IMAGE_HEIGHT)
#endif

#if ED_WINDOW_BYTES != ED_MODEL_INPUT_BYTES
#error "the model does not take a window of these features"
#endif

/* Make ready what features are computed with. Once a boot, before anything else here.
 * ED_RANGE: not with these settings. */
ed_status ed_window_init(void);

/* All that did not come is 0: every sample of the window, and no samples are held or counted. */
void ed_window_clear(void);

/* Begin the record of `hello` that says what the window is made of, and put that into it. */
void ed_window_describe(void);

/* Where raw samples that are about to be appended are to be written, and for how many there is room
 * now: at least one. */
void *ed_window_room(void);
uint32_t ed_window_room_samples(void);

/* The same place, for ED_MODEL_INPUT_BYTES of a loaded input (ed_input.h), aligned to 4. What a camera
 * has of a frame that is not whole is forgotten. Only where the model does not preserve its input. */
uint8_t *ed_window_lend(void);

/* Words that the place must have for that. */
#define ED_WINDOW_LENT_WORDS (ED_MODEL_INPUT_PRESERVED ? 1 : (ED_MODEL_INPUT_BYTES + 3) / 4)

/* Append the first `count` samples of the room, and compute of the window what they complete. */
void ed_window_append(uint32_t count);

/* How many samples until the next frame is complete; of motion, whose frames are its samples, until
 * the next stride is. At least 1. */
uint32_t ed_window_missing(void);

/* Since the window was cleared, modulo 2^32: raw samples, and frames that they completed. */
uint32_t ed_window_samples(void);
uint32_t ed_window_frames(void);

/* Copy `count` bytes of the window from byte `offset` on, oldest first. */
void ed_window_copy(int8_t *to, uint32_t offset, uint32_t count);

#endif

#endif
