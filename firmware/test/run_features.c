/* Features of a sound, as a filter: settings, the number of samples, scale, zero point and the
 * samples come in; the features and the same quantized go out. Exit 2: settings refused. */
#include <stdio.h>
#include <stdlib.h>

#include "features/ed_audio.h"
#include "features/ed_int8.h"

typedef struct {
    ed_audio_settings settings;
    uint32_t samples;
    float scale;
    int32_t zero_point;
} order;

int main(void)
{
    static ed_audio audio;
    order asked;
    int16_t *samples;
    float *features;
    int8_t *quantized;
    size_t values, frames = 0;

    if (fread(&asked, sizeof asked, 1, stdin) != 1) {
        return 3;
    }
    if (ed_audio_init(&audio, &asked.settings) != ED_OK) {
        return 2;
    }
    if (asked.samples >= asked.settings.frame_samples) {
        frames = 1 + (asked.samples - asked.settings.frame_samples) / asked.settings.hop_samples;
    }
    values = frames * ed_audio_bins(&asked.settings);
    /* Of the very size, so that the sanitizer sees a step too far. */
    samples = malloc(asked.samples * sizeof *samples);
    features = malloc(values * sizeof *features);
    quantized = malloc(values);
    if (fread(samples, sizeof *samples, asked.samples, stdin) != asked.samples) {
        return 3;
    }
    if (ed_audio_clip(&audio, samples, asked.samples, features) != frames) {
        return 4;
    }
    ed_to_int8_all(features, values, asked.scale, asked.zero_point, quantized);
    fwrite(features, sizeof *features, values, stdout);
    fwrite(quantized, 1, values, stdout);
    free(samples);
    free(features);
    free(quantized);
    return 0;
}
