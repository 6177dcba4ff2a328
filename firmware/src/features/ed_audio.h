/* Log-mel spectra and MFCCs of 16-bit audio, frame by frame: docs/features.md has the formulas.
 *
 * The same source runs on the board, on the host and in training, and gives the same bits.
 * No heap, no libm, no double. A frame of 480 samples costs a Cortex-M4 about 46,000 cycles
 * (MFCC: 53,000); at 64 MHz it has 1,280,000 of them in a hop of 20 ms.
 */
#ifndef ED_AUDIO_H
#define ED_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ed_wire.h"

/* The largest settings that `ed_audio` has room for; a build gives its own with -D. */
#ifndef ED_AUDIO_MAX_FFT
#define ED_AUDIO_MAX_FFT 512
#endif
#ifndef ED_AUDIO_MAX_FRAME
#define ED_AUDIO_MAX_FRAME ED_AUDIO_MAX_FFT
#endif
#ifndef ED_AUDIO_MAX_MEL_BINS
#define ED_AUDIO_MAX_MEL_BINS 40
#endif

#define ED_AUDIO_FLOOR 1e-6f /* added to every mel energy before its logarithm */

typedef enum { ED_AUDIO_LOG_MEL = 0, ED_AUDIO_MFCC = 1 } ed_audio_kind;

typedef struct {
    uint32_t kind;           /* an ed_audio_kind */
    uint32_t sample_rate_hz; /* 1,000 to 192,000 */
    uint32_t frame_samples;  /* 2 to fft, and at most ED_AUDIO_MAX_FRAME */
    uint32_t hop_samples;    /* at least 1; for ed_audio_clip */
    uint32_t fft;            /* a power of two, 32 to ED_AUDIO_MAX_FFT */
    uint32_t mel_bins;       /* 1 to ED_AUDIO_MAX_MEL_BINS */
    uint32_t coefficients;   /* MFCC: 1 to mel_bins; log-mel: not used */
    float low_hz, high_hz;   /* 0 <= low < high <= half the sample rate */
} ed_audio_settings;

typedef struct {
    ed_audio_settings settings;
    float window[ED_AUDIO_MAX_FRAME / 2 + 1];         /* first half; the second is its mirror */
    float cosine[ED_AUDIO_MAX_FFT];                   /* for ed_fft */
    uint16_t reversed[ED_AUDIO_MAX_FFT / 2];          /* for ed_fft */
    float rise[ED_AUDIO_MAX_FFT / 2]; /* a bin's share in the filter it rises to */
    uint16_t first_bin[ED_AUDIO_MAX_MEL_BINS + 2]; /* of the span between edges s and s + 1 */
    float dct_cosine[4 * ED_AUDIO_MAX_MEL_BINS]; /* cos(2 pi i / (4 mel_bins)) */
    float dct_first, dct_other; /* scales of coefficient 0 and the others */
    float work[ED_AUDIO_MAX_FFT]; /* the spectrum in the making */
    float log_mel[ED_AUDIO_MAX_MEL_BINS]; /* what the MFCCs are made of */
} ed_audio;

/* sizeof(ed_audio), for callers in other languages. */
size_t ed_audio_bytes(void);

/* Build all tables. ED_RANGE when a setting is outside its limits, or when a mel filter would
 * lie between two neighbouring bins of the FFT and never see any energy. */
ed_status ed_audio_init(ed_audio *audio, const ed_audio_settings *settings);

/* How many features a frame has: mel_bins, or coefficients. */
uint32_t ed_audio_bins(const ed_audio_settings *settings);

/* The features of one frame. samples [frame_samples], out [ed_audio_bins]. */
void ed_audio_frame(ed_audio *audio, const int16_t *samples, float *out);

/* The features of all whole frames in `count` samples, one every hop_samples.
 * samples [count], out [frames, ed_audio_bins]; returns frames. */
size_t ed_audio_clip(ed_audio *audio, const int16_t *samples, size_t count, float *out);

#endif
