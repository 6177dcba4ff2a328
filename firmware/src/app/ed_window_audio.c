#include "app/ed_window.h"

#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE

#include "features/ed_audio.h"
#include "features/ed_int8.h"
#include "model/ed_model.h"
#include "wire/ed_record.h"

enum {
    FRAME = ED_APP_AUDIO_FRAME_SAMPLES,
    HOP = ED_APP_AUDIO_HOP_SAMPLES,
    BINS = ED_APP_AUDIO_BINS,
    FRAMES = ED_APP_AUDIO_FRAMES,
    ROOM = ED_WIRE_HEAR_BYTES / 2
};

#if ED_APP_AUDIO_HOP_SAMPLES < 1 || ED_APP_AUDIO_HOP_SAMPLES > ED_APP_AUDIO_FRAME_SAMPLES
#error "a hop is at least one sample, and at most a frame"
#endif

static ed_audio audio;

static struct {
    int16_t samples[FRAME]; /* of the frame that is not complete yet */
    uint32_t held;          /* how many of them are there */
    uint32_t count;         /* since the window was cleared: samples */
    uint32_t frames;        /* and those that they completed */
    uint32_t oldest;        /* position in the ring */
    int8_t ring[FRAMES][BINS];
} window;

static union {
    int16_t samples[ROOM];
    uint32_t lent[ED_WINDOW_LENT_WORDS];
} room;

static void compute(int8_t to[BINS])
{
    static float features[BINS]; /* not on the stack, which runs the model as well */
    const ed_model_tensor *input = &ed_model.input[0];

    ed_audio_frame(&audio, window.samples, features);
    for (uint32_t i = 0; i < BINS; i++) {
        to[i] = ed_to_int8(features[i], input->scale, input->zero_point);
    }
}

ed_status ed_window_init(void)
{
    static const ed_audio_settings settings = ED_APP_AUDIO_SETTINGS;

    return ed_audio_init(&audio, &settings);
}

void ed_window_clear(void)
{
    for (uint32_t i = 0; i < FRAME; i++) {
        window.samples[i] = 0;
    }
    compute(window.ring[0]);
    for (uint32_t i = 1; i < FRAMES; i++) {
        for (uint32_t j = 0; j < BINS; j++) {
            window.ring[i][j] = window.ring[0][j];
        }
    }
    window.held = 0;
    window.count = 0;
    window.frames = 0;
    window.oldest = 0;
}

void ed_window_describe(void)
{
    ed_record_begin("audio");
    ed_record_text("kind", ED_APP_AUDIO_KIND);
    ed_sensor_describe();
    ed_record_u64("frame", FRAME);
    ed_record_u64("hop", HOP);
    ed_record_u64("fft", ED_APP_AUDIO_FFT);
    ed_record_u64("mel", ED_APP_AUDIO_MEL_BINS);
    ed_record_u64("bins", BINS);
    ed_record_u64("frames", FRAMES);
    ed_record_u64("stride", ED_APP_STRIDE);
}

void *ed_window_room(void)
{
    return room.samples;
}

uint8_t *ed_window_lend(void)
{
    return (uint8_t *)room.lent;
}

uint32_t ed_window_room_samples(void)
{
    return ROOM;
}

/* The frame is complete: its features replace the oldest ones, and its end begins the next. */
static void complete(void)
{
    compute(window.ring[window.oldest]);
    window.oldest = window.oldest + 1 < FRAMES ? window.oldest + 1 : 0;
    window.frames++;
    window.held = FRAME - HOP;
    for (uint32_t i = HOP; i < FRAME; i++) {
        window.samples[i - HOP] = window.samples[i];
    }
}

void ed_window_append(uint32_t count)
{
    window.count += count;
    for (uint32_t i = 0; i < count; i++) {
        window.samples[window.held++] = room.samples[i];
        if (window.held == FRAME) {
            complete();
        }
    }
}

uint32_t ed_window_missing(void)
{
    return FRAME - window.held;
}

uint32_t ed_window_samples(void)
{
    return window.count;
}

uint32_t ed_window_frames(void)
{
    return window.frames;
}

void ed_window_copy(int8_t *to, uint32_t offset, uint32_t count)
{
    const int8_t *ring = window.ring[0];
    uint32_t from = window.oldest * BINS + offset;

    for (uint32_t i = 0; i < count; i++, from++) {
        to[i] = ring[from < ED_WINDOW_BYTES ? from : from - ED_WINDOW_BYTES];
    }
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_window_of_firmware_that_listens_only;

#endif
