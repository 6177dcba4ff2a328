/* How strongly each axis shakes, and at which pitch: docs/features.md has the formulas. The same
 * source runs on the board, on the host and in training, and gives the same bits.
 */
#ifndef ED_VIBRATION_H
#define ED_VIBRATION_H

#include <stdint.h>

#include "wire/ed_wire.h"

#define ED_VIBRATION_AXES 3
#define ED_VIBRATION_MAX_SAMPLES 4096

/* The largest spectrum that `ed_vibration` has room for, 0 for none; a build gives its own. */
#ifndef ED_VIBRATION_MAX_FFT
#define ED_VIBRATION_MAX_FFT 512
#endif
#ifndef ED_VIBRATION_MAX_BANDS
#define ED_VIBRATION_MAX_BANDS 64
#endif

#define ED_VIBRATION_PER_G 8192.0f
/* An amplitude in g becomes ln(1 + so many times it): what is below 10 mg, not far from the noise
 * of such sensors, is not resolved as finely as what is above. */
#define ED_VIBRATION_10_MG_PER_G 100.0f

typedef struct {
    uint32_t sample_rate_hz; /* 1 to 192,000 */
    uint32_t samples;        /* of the window, 8 to ED_VIBRATION_MAX_SAMPLES */
    uint32_t bands;          /* 0 to ED_VIBRATION_MAX_BANDS; 0: the rest does not matter */
    uint32_t fft;            /* a power of two, 32 to ED_VIBRATION_MAX_FFT, at least `samples` */
    float low_hz, high_hz;   /* 0 <= low < high <= half the sample rate */
} ed_vibration_settings;

typedef struct {
    ed_vibration_settings settings;
#if ED_VIBRATION_MAX_FFT > 0
    float window[ED_VIBRATION_MAX_FFT / 2 + 1];       /* first half; the second is its mirror */
    float cosine[ED_VIBRATION_MAX_FFT];               /* for ed_fft */
    uint16_t reversed[ED_VIBRATION_MAX_FFT / 2];      /* for ed_fft */
    uint16_t first_bin[ED_VIBRATION_MAX_BANDS + 1]; /* of each band, and the one after the last */
    float work[ED_VIBRATION_MAX_FFT]; /* the spectrum in the making */
    float scale; /* of a sum of `work` to a mean square, g^2 */
#endif
} ed_vibration;

/* sizeof(ed_vibration), for callers in other languages. */
uint32_t ed_vibration_bytes(void);

/* Build all tables. ED_RANGE when a setting is outside its limits, or when a band has no bin of
 * the spectrum and would never see any energy. */
ed_status ed_vibration_init(ed_vibration *vibration, const ed_vibration_settings *settings);

/* The window of a ring [samples, ED_VIBRATION_AXES] whose row `oldest` is the oldest sample.
 * out [ED_VIBRATION_AXES, 1 + bands]. */
void ed_vibration_window(ed_vibration *vibration, const int16_t *ring, uint32_t oldest, float *out);

#endif
