/* Prints the features of the embedded samples, as the bits of each float32.
 *
 * case.h: ED_CASE_SETTINGS, an ed_audio_settings; ed_case_samples. The samples begin 2 bytes past
 * a word, as a frame in a ring may.
 */
#include "bare.h"
#include "case.h"
#include "features/ed_audio.h"

#define COUNT (sizeof ed_case_samples / sizeof *ed_case_samples)

static union {
    uint32_t aligned;
    int16_t samples[COUNT + 1];
} ring;

static void write_hex(const float *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        union {
            float value;
            uint32_t bits;
        } both;
        both.value = values[i];
        ed_write_hex32(both.bits);
        ed_write("\n");
    }
}

void ed_main(void)
{
    static ed_audio audio;
    static float out[ED_AUDIO_MAX_MEL_BINS];
    const ed_audio_settings settings = ED_CASE_SETTINGS;

    if (ed_audio_init(&audio, &settings) != ED_OK) {
        ed_exit(2);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        ring.samples[i + 1] = ed_case_samples[i];
    }
    for (uint32_t at = 0; at + settings.frame_samples <= COUNT; at += settings.hop_samples) {
        ed_audio_frame(&audio, ring.samples + 1 + at, out);
        write_hex(out, ed_audio_bins(&settings));
    }
    ed_exit(0);
}
