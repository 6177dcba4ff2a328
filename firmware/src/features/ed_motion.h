/* The window of a model that follows motion: samples of an IMU, scaled. docs/features.md has the
 * formula. The same source runs on the board, on the host and in training, and gives the same bits.
 */
#ifndef ED_MOTION_H
#define ED_MOTION_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ed_wire.h"

#define ED_MOTION_MAX_AXES 6
#define ED_MOTION_MAX_SAMPLES 4096 /* whose sum is an int32 */

typedef struct {
    uint32_t axes;        /* 1 to ED_MOTION_MAX_AXES */
    uint32_t samples;     /* of the window, 1 to ED_MOTION_MAX_SAMPLES */
    uint32_t average;     /* so many samples are one row; divides `samples` */
    uint32_t remove_mean; /* not 0: every axis less its mean over the window */
    float full_scale[ED_MOTION_MAX_AXES]; /* steps that become 1.0; positive */
} ed_motion_settings;

typedef struct {
    ed_motion_settings settings;
    float mean[ED_MOTION_MAX_AXES]; /* steps; 0 where it is not removed */
} ed_motion;

/* sizeof(ed_motion), for callers in other languages. */
uint32_t ed_motion_bytes(void);

/* ED_RANGE when a setting is outside its limits. */
ed_status ed_motion_init(ed_motion *motion, const ed_motion_settings *settings);

/* Look at a window before its rows are asked for. ring [samples, axes], whose row `oldest` is the
 * oldest sample. */
void ed_motion_look(ed_motion *motion, const int16_t *ring);

/* One row of the window, of samples / average; out [axes]. */
void ed_motion_row(const ed_motion *motion, const int16_t *ring, uint32_t oldest, uint32_t row,
                   float *out);

/* The whole window of a ring that begins at its beginning. out [samples / average, axes]. */
void ed_motion_window(ed_motion *motion, const int16_t *samples, float *out);

#endif
