#include "app/ed_window.h"

#if ED_APP_SOURCE == ED_SOURCE_CAMERA

#include "features/ed_image.h"
#include "features/ed_int8.h"
#include "model/ed_model.h"
#include "wire/ed_record.h"

enum { LEVELS = 256 };

static ed_image image;

static struct {
    /* The only copy of a frame: it is scaled as soon as it is whole, and the next one takes its
     * place. */
    union {
        uint8_t pixels[ED_SENSOR_FRAME_BYTES];
        uint32_t lent[ED_WINDOW_LENT_WORDS];
    } frame;
    uint32_t held;   /* pixels of the frame that is not whole yet */
    uint32_t frames; /* whole ones since the window was cleared */
    int8_t picture[ED_APP_IMAGE_HEIGHT][ED_APP_IMAGE_WIDTH];
    int8_t level[LEVELS]; /* what the model sees of each grey */
} window;

ed_status ed_window_init(void)
{
    static const ed_image_settings settings = {ED_APP_SENSOR_WIDTH, ED_APP_SENSOR_HEIGHT,
                                               ED_APP_IMAGE_WIDTH, ED_APP_IMAGE_HEIGHT};
    const ed_model_tensor *input = &ed_model.input[0];

    for (uint32_t i = 0; i < LEVELS; i++) {
        window.level[i] = ed_to_int8(ed_image_value((uint8_t)i), input->scale, input->zero_point);
    }
    return ed_image_init(&image, &settings);
}

void ed_window_clear(void)
{
    for (uint32_t row = 0; row < ED_APP_IMAGE_HEIGHT; row++) {
        for (uint32_t column = 0; column < ED_APP_IMAGE_WIDTH; column++) {
            window.picture[row][column] = window.level[0];
        }
    }
    window.held = 0;
    window.frames = 0;
}

void ed_window_describe(void)
{
    ed_record_begin("image");
    ed_sensor_describe();
    ed_record_u64("to_width", ED_APP_IMAGE_WIDTH);
    ed_record_u64("to_height", ED_APP_IMAGE_HEIGHT);
}

void *ed_window_room(void)
{
    return window.frame.pixels + window.held;
}

uint8_t *ed_window_lend(void)
{
    window.held = 0;
    return (uint8_t *)window.frame.lent;
}

uint32_t ed_window_room_samples(void)
{
    return ed_window_missing() < ED_WIRE_HEAR_BYTES ? ed_window_missing() : ED_WIRE_HEAR_BYTES;
}

void ed_window_append(uint32_t count)
{
    window.held += count;
    if (window.held < ED_SENSOR_FRAME_BYTES) {
        return;
    }
    for (uint32_t row = 0; row < ED_APP_IMAGE_HEIGHT; row++) {
        uint8_t pixels[ED_APP_IMAGE_WIDTH];
        ed_image_row(&image, window.frame.pixels, row, pixels);
        for (uint32_t column = 0; column < ED_APP_IMAGE_WIDTH; column++) {
            window.picture[row][column] = window.level[pixels[column]];
        }
    }
    window.held = 0;
    window.frames++;
}

uint32_t ed_window_missing(void)
{
    return ED_SENSOR_FRAME_BYTES - window.held;
}

uint32_t ed_window_samples(void)
{
    return window.frames * ED_SENSOR_FRAME_BYTES + window.held;
}

uint32_t ed_window_frames(void)
{
    return window.frames;
}

void ed_window_copy(int8_t *to, uint32_t offset, uint32_t count)
{
    const int8_t *from = window.picture[0] + offset;

    for (uint32_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_window_of_firmware_that_sees_only;

#endif
