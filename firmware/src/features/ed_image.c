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

void ed_image_row(const ed_image *image, const uint8_t *frame, uint32_t row, uint8_t *out)
{
    const ed_image_settings *const s = &image->settings;
    const uint32_t crop_width = image->crop_width, crop_height = image->crop_height;
    const uint32_t area = crop_width * crop_height;
    const uint32_t top = row * crop_height / s->height;
    /* Lengths are in parts: across, a source pixel has `width` of them and a small one `crop_width`;
     * down, `height` and `crop_height`. */
    const uint32_t into_row = row * crop_height - top * s->height;
    const uint8_t *first = frame + (image->top + top) * s->source_width + image->left;
    uint32_t into = 0; /* source pixel *first, where a small one begins */

    for (uint32_t column = 0; column < s->width; column++) {
        const uint8_t *line = first;
        uint32_t sum = area / 2u;
        uint32_t high = s->height - into_row;
        for (uint32_t down = crop_height; down > 0u; down -= high, high = s->height) {
            const uint8_t *pixel = line;
            uint32_t wide = s->width - into, right = crop_width, across = 0;
            while (right > wide) {
                across += wide * *pixel++;
                right -= wide;
                wide = s->width;
            }
            across += right * *pixel;
            high = down < high ? down : high;
            sum += high * across;
            line += s->source_width;
        }
        *out++ = (uint8_t)(sum / area);
        for (into += crop_width; into >= s->width; into -= s->width) {
            first++;
        }
    }
}

float ed_image_value(uint8_t pixel)
{
    return (float)pixel / 255.0f;
}

void ed_image_window(const ed_image *image, const uint8_t *frame, float *out)
{
    const ed_image_settings *const s = &image->settings;
    uint8_t pixels[ED_IMAGE_MAX_SIDE];

    for (uint32_t row = 0; row < s->height; row++) {
        ed_image_row(image, frame, row, pixels);
        for (uint32_t column = 0; column < s->width; column++) {
            *out++ = ed_image_value(pixels[column]);
        }
    }
}
