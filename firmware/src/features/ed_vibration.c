#include "features/ed_vibration.h"

#include <stdbool.h>

#include "features/ed_fft.h"
#include "features/ed_math.h"

static bool within(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static bool in_range(const ed_vibration_settings *s)
{
    return within(s->sample_rate_hz, 1, 192000) &&
           within(s->samples, 8, ED_VIBRATION_MAX_SAMPLES) &&
           (s->bands == 0 ||
            (s->bands <= ED_VIBRATION_MAX_BANDS && s->fft >= 32 && s->fft <= ED_VIBRATION_MAX_FFT &&
             (s->fft & (s->fft - 1u)) == 0 && s->samples <= s->fft && s->low_hz >= 0.0f &&
             s->low_hz < s->high_hz && s->high_hz <= 0.5f * (float)s->sample_rate_hz));
}

uint32_t ed_vibration_bytes(void)
{
    return sizeof(ed_vibration);
}

/* ln(1 + amplitude / 10 mg) of a mean square in g^2. Never below 0: what int8 has to resolve begins
 * where its range does, since a converter's ranges always hold 0. */
static float log_amplitude(float mean_square)
{
    /* Below 2^-100 the root is not defined, and nothing of it is seen beside the 1. */
    const float amplitude = mean_square > 0x1p-100f ? ed_math_sqrt(mean_square) : 0.0f;

    return ed_math_log(1.0f + ED_VIBRATION_10_MG_PER_G * amplitude);
}

/* The mean square of one axis about its mean, g^2: whole numbers until the last step. */
static float mean_square(const int16_t *axis, uint32_t samples)
{
    int64_t sum = 0;
    uint64_t squares = 0;
    float steps;

    for (uint32_t i = 0; i < samples; i++) {
        const int32_t sample = axis[i * ED_VIBRATION_AXES];
        sum += sample;
        squares += (uint64_t)((int64_t)sample * sample);
    }
    /* samples^2 times the variance; at most 2^12 * 2^12 * 2^30. */
    steps = (float)(squares * samples - (uint64_t)(sum * sum));
    return steps / ((float)samples * (float)samples) / (ED_VIBRATION_PER_G * ED_VIBRATION_PER_G);
}

#if ED_VIBRATION_MAX_FFT > 0

/* The bins of each band: those whose frequency is in [low + b width, low + (b + 1) width). Neither
 * the constant part nor the last bin belongs to any. False if a band is left without a bin. */
static bool make_bands(ed_vibration *vibration)
{
    const ed_vibration_settings *const s = &vibration->settings;
    const float width = (s->high_hz - s->low_hz) / (float)s->bands;
    uint32_t bin = 1;

    for (uint32_t band = 0; band <= s->bands; band++) {
        const float edge = s->low_hz + (float)band * width;
        while (bin < s->fft / 2u && (float)(bin * s->sample_rate_hz) / (float)s->fft < edge) {
            bin++;
        }
        vibration->first_bin[band] = (uint16_t)bin;
        if (band > 0 && vibration->first_bin[band - 1u] == bin) {
            return false;
        }
    }
    return true;
}

static bool make_tables(ed_vibration *vibration)
{
    const ed_vibration_settings *const s = &vibration->settings;

    for (uint32_t i = 0; i <= s->samples / 2u; i++) { /* a periodic Hann window, of g */
        const float hann = 0.5f - 0.5f * ed_math_turn(i, s->samples).cosine;
        vibration->window[i] = hann / ED_VIBRATION_PER_G;
    }
    ed_fft_tables(vibration->cosine, vibration->reversed, s->fft);
    /* ed_fft gives 4 |X|^2; half of a spectrum holds half of the energy; the window leaves 3/8. */
    vibration->scale = 0.25f * 2.0f * (8.0f / 3.0f) / ((float)s->fft * (float)s->samples);
    return make_bands(vibration);
}

/* The spectrum of one axis, without its mean. ring: at the axis in row 0. */
static void transform(ed_vibration *vibration, const int16_t *ring, uint32_t oldest, float mean)
{
    const ed_vibration_settings *const s = &vibration->settings;
    uint32_t at = oldest;

    for (uint32_t n = 0; n < s->fft; n++) {
        float value = 0.0f;
        if (n < s->samples) {
            const uint32_t mirrored = n <= s->samples / 2u ? n : s->samples - n;
            value = vibration->window[mirrored] * ((float)ring[at * ED_VIBRATION_AXES] - mean);
            at = at + 1u < s->samples ? at + 1u : 0;
        }
        vibration->work[2u * vibration->reversed[n / 2u] + n % 2u] = value;
    }
    ed_fft_power(vibration->cosine, vibration->work, s->fft);
}

static float mean_of(const int16_t *axis, uint32_t samples)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < samples; i++) {
        sum += axis[i * ED_VIBRATION_AXES];
    }
    return (float)sum / (float)samples;
}

static void spectrum(ed_vibration *vibration, const int16_t *ring, uint32_t oldest, float *out)
{
    const ed_vibration_settings *const s = &vibration->settings;

    transform(vibration, ring, oldest, mean_of(ring, s->samples));
    for (uint32_t band = 0; band < s->bands; band++) {
        float sum = 0.0f;
        for (uint32_t bin = vibration->first_bin[band]; bin < vibration->first_bin[band + 1u];
             bin++) {
            sum += vibration->work[2u * bin];
        }
        out[band] = log_amplitude(sum * vibration->scale);
    }
}

#else

static bool make_tables(ed_vibration *vibration)
{
    (void)vibration;
    return false;
}

static void spectrum(ed_vibration *vibration, const int16_t *ring, uint32_t oldest, float *out)
{
    (void)vibration;
    (void)ring;
    (void)oldest;
    (void)out;
}

#endif

ed_status ed_vibration_init(ed_vibration *vibration, const ed_vibration_settings *settings)
{
    if (!in_range(settings)) {
        return ED_RANGE;
    }
    vibration->settings = *settings;
    return settings->bands == 0 || make_tables(vibration) ? ED_OK : ED_RANGE;
}

void ed_vibration_window(ed_vibration *vibration, const int16_t *ring, uint32_t oldest, float *out)
{
    const ed_vibration_settings *const s = &vibration->settings;

    for (uint32_t axis = 0; axis < ED_VIBRATION_AXES; axis++) {
        float *row = out + axis * (1u + s->bands);
        row[0] = log_amplitude(mean_square(ring + axis, s->samples));
        if (s->bands != 0) {
            spectrum(vibration, ring + axis, oldest, row + 1);
        }
    }
}
