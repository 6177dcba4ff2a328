#include "features/ed_audio.h"

#include <stdbool.h>

#include "features/ed_fft.h"
#include "features/ed_math.h"

/* Mel(f) = 1127 ln(1 + f / 700). Only ratios of differences of it are used, so 1127 drops out. */
static float mel(float hz)
{
    return ed_math_log(1.0f + hz / 700.0f);
}

static bool within(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static bool in_range(const ed_audio_settings *s)
{
    return (s->kind == ED_AUDIO_LOG_MEL ||
            (s->kind == ED_AUDIO_MFCC && within(s->coefficients, 1, s->mel_bins))) &&
           within(s->sample_rate_hz, 1000, 192000) && within(s->fft, 32, ED_AUDIO_MAX_FFT) &&
           (s->fft & (s->fft - 1u)) == 0 && within(s->frame_samples, 2, s->fft) &&
           s->frame_samples <= ED_AUDIO_MAX_FRAME && s->hop_samples >= 1 &&
           within(s->mel_bins, 1, ED_AUDIO_MAX_MEL_BINS) && s->low_hz >= 0.0f &&
           s->low_hz < s->high_hz && s->high_hz <= 0.5f * (float)s->sample_rate_hz;
}

/* The first half of a periodic Hann window, scaled: 1/32768 for int16 to [-1, 1), and 1/2 because
 * ed_fft_power gives four times the power. */
static void make_window(float *window, uint32_t samples)
{
    for (uint32_t i = 0; i <= samples / 2u; i++) {
        const float hann = 0.5f - 0.5f * ed_math_turn(i, samples).cosine;
        window[i] = hann * (0.5f / 32768.0f);
    }
}

/* The triangles. Filter m rises from edge m to m + 1 and falls from there to m + 2, on a line in
 * mel. So a bin between edges s and s + 1 belongs to two filters at most: it has its share `rise`
 * in filter s, and the rest in filter s - 1. False if a filter is left without a bin. */
static bool make_filters(ed_audio *audio)
{
    const ed_audio_settings *const s = &audio->settings;
    const uint32_t spans = s->mel_bins + 1u;
    const float low = mel(s->low_hz);
    const float width = (mel(s->high_hz) - low) / (float)spans;
    uint32_t span = 0; /* those up to it have begun */
    uint32_t bin = 1;  /* the constant part has no place in a spectrum */
    bool seen_before = false;

    while (bin < s->fft / 2u && mel((float)(bin * s->sample_rate_hz) / (float)s->fft) < low) {
        bin++;
    }
    audio->first_bin[0] = (uint16_t)bin;
    for (; bin < s->fft / 2u; bin++) {
        const float hz = (float)(bin * s->sample_rate_hz) / (float)s->fft;
        const float place = (mel(hz) - low) / width; /* in spans */
        if (place >= (float)spans) {
            break;
        }
        while ((float)(span + 1u) <= place) {
            span++;
            audio->first_bin[span] = (uint16_t)bin;
        }
        audio->rise[bin] = place - (float)span;
    }
    while (span < spans) {
        span++;
        audio->first_bin[span] = (uint16_t)bin;
    }

    for (span = 0; span < spans; span++) { /* filter `span` rises here, the one before falls */
        bool rises = false, falls = false;
        for (bin = audio->first_bin[span]; bin < audio->first_bin[span + 1u]; bin++) {
            rises = rises || audio->rise[bin] > 0.0f;
            falls = true;
        }
        if (span > 0 && !seen_before && !falls) {
            return false;
        }
        seen_before = rises;
    }
    return true;
}

size_t ed_audio_bytes(void)
{
    return sizeof(ed_audio);
}

ed_status ed_audio_init(ed_audio *audio, const ed_audio_settings *settings)
{
    const uint32_t bins = settings->mel_bins;

    if (!in_range(settings)) {
        return ED_RANGE;
    }
    audio->settings = *settings;
    make_window(audio->window, settings->frame_samples);
    ed_fft_tables(audio->cosine, audio->reversed, settings->fft);
    for (uint32_t i = 0; i < 4u * bins; i++) {
        audio->dct_cosine[i] = ed_math_turn(i, 4u * bins).cosine;
    }
    audio->dct_first = ed_math_sqrt(1.0f / (float)bins);
    audio->dct_other = ed_math_sqrt(2.0f / (float)bins);
    return make_filters(audio) ? ED_OK : ED_RANGE;
}

uint32_t ed_audio_bins(const ed_audio_settings *settings)
{
    return settings->kind == ED_AUDIO_MFCC ? settings->coefficients : settings->mel_bins;
}

/* Where sample n goes in `work`, for ed_fft_power. */
static float *place(ed_audio *audio, uint32_t n)
{
    return audio->work + 2u * audio->reversed[n / 2u] + n % 2u;
}

/* Window the samples into `work`, zeros behind them. */
static void fill(ed_audio *audio, const int16_t *samples)
{
    const uint32_t count = audio->settings.frame_samples;
    uint32_t n = 0;

    for (; n <= count / 2u; n++) {
        *place(audio, n) = audio->window[n] * (float)samples[n];
    }
    for (; n < count; n++) { /* the window's second half mirrors the first */
        *place(audio, n) = audio->window[count - n] * (float)samples[n];
    }
    for (; n < audio->settings.fft; n++) {
        *place(audio, n) = 0.0f;
    }
}

/* ln(energy + floor) of each filter from the power in `work`. */
static void log_energies(const ed_audio *audio, float *out)
{
    const uint32_t bins = audio->settings.mel_bins;
    float before = 0.0f; /* what the filter of the span before got while it rose */

    for (uint32_t span = 0; span <= bins; span++) {
        const uint32_t end = audio->first_bin[span + 1u];
        float rising = 0.0f, falling = 0.0f;
        for (uint32_t bin = audio->first_bin[span]; bin < end; bin++) {
            const float power = audio->work[2u * bin];
            const float share = audio->rise[bin] * power;
            rising += share;
            falling += power - share;
        }
        if (span > 0) {
            out[span - 1u] = ed_math_log(before + falling + ED_AUDIO_FLOOR);
        }
        before = rising;
    }
}

/* Orthonormal DCT-II: out(k) = scale(k) sum of log_mel(i) cos(pi k (2 i + 1) / (2 mel_bins)). */
static void cosine_transform(const ed_audio *audio, float *out)
{
    const uint32_t bins = audio->settings.mel_bins;

    for (uint32_t k = 0; k < audio->settings.coefficients; k++) {
        float sum = 0.0f;
        uint32_t angle = k; /* of 4 bins in a turn */
        for (uint32_t i = 0; i < bins; i++) {
            sum += audio->log_mel[i] * audio->dct_cosine[angle];
            angle += 2u * k;
            if (angle >= 4u * bins) {
                angle -= 4u * bins;
            }
        }
        out[k] = sum * (k == 0 ? audio->dct_first : audio->dct_other);
    }
}

void ed_audio_frame(ed_audio *audio, const int16_t *samples, float *out)
{
    fill(audio, samples);
    ed_fft_power(audio->cosine, audio->work, audio->settings.fft);
    if (audio->settings.kind == ED_AUDIO_MFCC) {
        log_energies(audio, audio->log_mel);
        cosine_transform(audio, out);
    } else {
        log_energies(audio, out);
    }
}

size_t ed_audio_clip(ed_audio *audio, const int16_t *samples, size_t count, float *out)
{
    const size_t bins = ed_audio_bins(&audio->settings);
    size_t frames = 0;

    for (size_t at = 0; at + audio->settings.frame_samples <= count;
         at += audio->settings.hop_samples) {
        ed_audio_frame(audio, samples + at, out + frames * bins);
        frames++;
    }
    return frames;
}
