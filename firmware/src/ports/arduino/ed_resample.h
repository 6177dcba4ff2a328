/* Samples of one rate as samples of another, by straight lines between them.
 *
 * A sensor has the rates that it has; a model was trained at one. Sample k of the output lies at
 * k / out seconds after the first sample of the input; whole numbers throughout.
 */
#ifndef ED_RESAMPLE_H
#define ED_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#define ED_RESAMPLE_AXES 6

typedef struct {
    uint32_t in_mhz, out_mhz; /* millihertz; both above 0 */
    uint64_t place; /* of the next output after `before`, in 1 / (in * out) of a second */
    bool begun;
    int16_t before[ED_RESAMPLE_AXES];
    int16_t after[ED_RESAMPLE_AXES];
} ed_resample;

void ed_resample_begin(ed_resample *resample, uint32_t in_mhz, uint32_t out_mhz);

/* The next sample of the sensor. Then ed_resample_next() as long as it gives some. */
void ed_resample_put(ed_resample *resample, const int16_t *sample);

/* The next sample of the output, where it lies between the last two that were put. */
bool ed_resample_next(ed_resample *resample, int16_t *sample);

#endif
