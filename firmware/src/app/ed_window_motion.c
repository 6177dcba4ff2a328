#include "app/ed_window.h"

#if ED_APP_SOURCE == ED_SOURCE_IMU

#include "features/ed_int8.h"
#include "model/ed_model.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

#if ED_APP_MOTION_VIBRATION
#include "features/ed_vibration.h"
#else
#include "features/ed_motion.h"
#endif

enum {
    AXES = ED_APP_SENSOR_AXES,
    SAMPLES = ED_APP_MOTION_SAMPLES, /* of the window */
    ROOM = ED_WIRE_HEAR_BYTES / ED_SENSOR_ROOM_BYTES
};

static struct {
    int16_t ring[SAMPLES][AXES];
    uint32_t oldest;                /* position in the ring */
    uint32_t count;                 /* of samples since the window was cleared */
    bool made;                      /* `features` are those of the ring */
    int8_t features[ED_WINDOW_BYTES];
} window;

static union {
    int16_t samples[ROOM * ED_SENSOR_ROOM_BYTES / 2]; /* [..][AXES] */
    uint32_t lent[ED_WINDOW_LENT_WORDS];
} room;

#if ED_APP_MOTION_VIBRATION

static ed_vibration vibration;

ed_status ed_window_init(void)
{
    static const ed_vibration_settings settings = ED_APP_MOTION_SETTINGS;

    return ed_vibration_init(&vibration, &settings);
}

static void make(void)
{
    static float features[ED_WINDOW_BYTES]; /* not on the stack, which runs the model as well */
    const ed_model_tensor *input = &ed_model.input[0];

    ed_vibration_window(&vibration, window.ring[0], window.oldest, features);
    ed_to_int8_all(features, ED_WINDOW_BYTES, input->scale, input->zero_point, window.features);
}

static void describe(void)
{
    ed_record_u64("fft", ED_APP_MOTION_FFT);
    ed_record_u64("bands", ED_APP_MOTION_BANDS);
    ed_record_hex32("low_bits", ed_text_float_bits(ED_APP_MOTION_LOW_HZ));
    ed_record_hex32("high_bits", ed_text_float_bits(ED_APP_MOTION_HIGH_HZ));
}

#else

static ed_motion motion;

ed_status ed_window_init(void)
{
    static const ed_motion_settings settings = ED_APP_MOTION_SETTINGS;

    return ed_motion_init(&motion, &settings);
}

static void make(void)
{
    const ed_model_tensor *input = &ed_model.input[0];
    float row[AXES];

    ed_motion_look(&motion, window.ring[0]);
    for (uint32_t i = 0; i < ED_WINDOW_BYTES / AXES; i++) {
        ed_motion_row(&motion, window.ring[0], window.oldest, i, row);
        ed_to_int8_all(row, AXES, input->scale, input->zero_point, window.features + i * AXES);
    }
}

static void describe(void)
{
    ed_record_u64("average", ED_APP_MOTION_AVERAGE);
    ed_record_u64("remove_mean", ED_APP_MOTION_REMOVE_MEAN);
    ed_record_hex32("accel_bits", ed_text_float_bits(ED_APP_MOTION_ACCEL_G));
    if (AXES > 3) {
        ed_record_hex32("gyro_bits", ed_text_float_bits(ED_APP_MOTION_GYRO_DPS));
    }
}

#endif

void ed_window_clear(void)
{
    for (uint32_t i = 0; i < SAMPLES; i++) {
        for (uint32_t axis = 0; axis < AXES; axis++) {
            window.ring[i][axis] = 0;
        }
    }
    window.oldest = 0;
    window.count = 0;
    window.made = false;
}

void ed_window_describe(void)
{
    ed_record_begin("motion");
    ed_record_text("kind", ED_APP_MOTION_KIND);
    ed_sensor_describe();
    ed_record_u64("samples", SAMPLES);
    ed_record_u64("stride", ED_APP_STRIDE);
    describe();
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

void ed_window_append(uint32_t count)
{
    const int16_t *sample = room.samples;

    for (uint32_t i = 0; i < count; i++, sample += AXES) {
        for (uint32_t axis = 0; axis < AXES; axis++) {
            window.ring[window.oldest][axis] = sample[axis];
        }
        window.oldest = window.oldest + 1 < SAMPLES ? window.oldest + 1 : 0;
    }
    window.count += count;
    window.made = false;
}

uint32_t ed_window_missing(void)
{
    return ED_APP_STRIDE - window.count % ED_APP_STRIDE;
}

uint32_t ed_window_samples(void)
{
    return window.count;
}

uint32_t ed_window_frames(void)
{
    return window.count;
}

void ed_window_copy(int8_t *to, uint32_t offset, uint32_t count)
{
    if (!window.made) {
        make();
        window.made = true;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[i] = window.features[offset + i];
    }
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_window_of_firmware_that_feels_motion_only;

#endif
