#include "features/ed_image.h"

uint32_t ed_image_bytes(void)
{
    return sizeof(ed_image);
}

ed_status ed_image_init(ed_image *image, const ed_image_settings *settings)
{
    const uint32_t from_width = settings->source_width, from_height = settings->source_height;
    const uint32_t width = settings->width, height = settings->height;

    if (from_width < 1 || from_width > ED_IMAGE_MAX_SIDE || from_height < 1 ||
        from_height > ED_IMAGE_MAX_SIDE || from_width * from_height > 1u << 18 || width < 1 ||
        width > from_width || height < 1 || height > from_height) {
        return ED_RANGE;
    }
    image->settings = *settings;
    /* The largest part in the middle that has the small picture's proportions. */
    if (from_width * height >= from_height * width) {
        image->crop_height = from_height;
        image->crop_width = from_height * width / height;
    } else {
        image->crop_width = from_width;
        image->crop_height = from_width * height / width;
    }
    image->left = (from_width - image->crop_width) / 2u;
    image->top = (from_height - image->crop_height) / 2u;
    return ED_OK;
}

/* How much of source pixel `at` lies in small pixel `index`: in parts of which a source pixel has
 * `small`, and a small one `crop`. */
static uint32_t share(uint32_t at, uint32_t index, uint32_t crop, uint32_t small)
{
    const uint32_t first = index * crop, last = first + crop;
    const uint32_t begin = at * small, end = begin + small;

    return (end < last ? end : last) - (begin > first ? begin : first);
}

uint8_t ed_image_pixel(const ed_image *image, const uint8_t *frame, uint32_t row, uint32_t column)
{
    const ed_image_settings *const s = &image->settings;
    const uint32_t area = image->crop_width * image->crop_height;
    const uint32_t right = ((column + 1u) * image->crop_width + s->width - 1u) / s->width;
    const uint32_t bottom = ((row + 1u) * image->crop_height + s->height - 1u) / s->height;
    uint32_t sum = area / 2u;

    for (uint32_t y = row * image->crop_height / s->height; y < bottom; y++) {
        const uint8_t *pixels = frame + (image->top + y) * s->source_width + image->left;
        uint32_t across = 0;
        for (uint32_t x = column * image->crop_width / s->width; x < right; x++) {
            across += share(x, column, image->crop_width, s->width) * pixels[x];
        }
        sum += share(y, row, image->crop_height, s->height) * across;
    }
    return (uint8_t)(sum / area);
}

float ed_image_value(uint8_t pixel)
{
    return (float)pixel / 255.0f;
}

void ed_image_window(const ed_image *image, const uint8_t *frame, float *out)
{
    const ed_image_settings *const s = &image->settings;

    for (uint32_t row = 0; row < s->height; row++) {
        for (uint32_t column = 0; column < s->width; column++) {
            *out++ = ed_image_value(ed_image_pixel(image, frame, row, column));
        }
    }
}
