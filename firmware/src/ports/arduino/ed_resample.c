#include "ports/arduino/ed_resample.h"

void ed_resample_begin(ed_resample *resample, uint32_t in_mhz, uint32_t out_mhz)
{
    resample->in_mhz = in_mhz;
    resample->out_mhz = out_mhz;
    resample->place = 0;
    resample->begun = false;
}

/* In these units an input sample is out_mhz long, and an output one in_mhz. */

void ed_resample_put(ed_resample *resample, const int16_t *sample)
{
    for (uint32_t axis = 0; axis < ED_RESAMPLE_AXES; axis++) {
        resample->before[axis] = resample->begun ? resample->after[axis] : sample[axis];
        resample->after[axis] = sample[axis];
    }
    if (resample->begun) {
        resample->place -= resample->out_mhz;
    } else {
        /* The first one stands at the end of a stretch that has no beginning. */
        resample->place = resample->out_mhz;
        resample->begun = true;
    }
}

bool ed_resample_next(ed_resample *resample, int16_t *sample)
{
    const int64_t whole = resample->out_mhz;
    const int64_t part = (int64_t)resample->place;

    if (!resample->begun || part > whole) {
        return false;
    }
    for (uint32_t axis = 0; axis < ED_RESAMPLE_AXES; axis++) {
        const int64_t from = resample->before[axis], to = resample->after[axis];
        const int64_t risen = (to - from) * part;
        const int64_t half = risen < 0 ? -whole / 2 : whole / 2;
        sample[axis] = (int16_t)(from + (risen + half) / whole);
    }
    resample->place += resample->in_mhz;
    return true;
}
