#include "features/ed_motion.h"

uint32_t ed_motion_bytes(void)
{
    return sizeof(ed_motion);
}

ed_status ed_motion_init(ed_motion *motion, const ed_motion_settings *settings)
{
    if (settings->axes < 1 || settings->axes > ED_MOTION_MAX_AXES || settings->samples < 1 ||
        settings->samples > ED_MOTION_MAX_SAMPLES || settings->average < 1 ||
        settings->samples % settings->average != 0) {
        return ED_RANGE;
    }
    for (uint32_t axis = 0; axis < settings->axes; axis++) {
        if (!(settings->full_scale[axis] > 0.0f)) {
            return ED_RANGE;
        }
    }
    motion->settings = *settings;
    return ED_OK;
}

void ed_motion_look(ed_motion *motion, const int16_t *ring)
{
    const ed_motion_settings *const s = &motion->settings;

    for (uint32_t axis = 0; axis < s->axes; axis++) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < s->samples; i++) {
            sum += ring[i * s->axes + axis];
        }
        motion->mean[axis] = s->remove_mean != 0 ? (float)sum / (float)s->samples : 0.0f;
    }
}

void ed_motion_row(const ed_motion *motion, const int16_t *ring, uint32_t oldest, uint32_t row,
                   float *out)
{
    const ed_motion_settings *const s = &motion->settings;
    int32_t sums[ED_MOTION_MAX_AXES] = {0};
    uint32_t at = oldest + row * s->average;

    for (uint32_t i = 0; i < s->average; i++, at++) {
        const int16_t *sample = ring + (at < s->samples ? at : at - s->samples) * s->axes;
        for (uint32_t axis = 0; axis < s->axes; axis++) {
            sums[axis] += sample[axis];
        }
    }
    for (uint32_t axis = 0; axis < s->axes; axis++) {
        const float mean = (float)sums[axis] / (float)s->average;
        out[axis] = (mean - motion->mean[axis]) / s->full_scale[axis];
    }
}

void ed_motion_window(ed_motion *motion, const int16_t *samples, float *out)
{
    const ed_motion_settings *const s = &motion->settings;

    ed_motion_look(motion, samples);
    for (uint32_t row = 0; row < s->samples / s->average; row++) {
        ed_motion_row(motion, samples, 0, row, out + row * s->axes);
    }
}
