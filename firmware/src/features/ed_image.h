/* A grey picture made as small as a model wants it: docs/features.md has the formula. The same
 * source runs on the board, on the host and in training, and gives the same bits.
 */
#ifndef ED_IMAGE_H
#define ED_IMAGE_H

#include <stdint.h>

#include "wire/ed_wire.h"

#define ED_IMAGE_MAX_SIDE 1024 /* of a picture whose weighted sum of pixels is a uint32 */

typedef struct {
    uint32_t source_width, source_height; /* 1 to ED_IMAGE_MAX_SIDE; at most 2^18 pixels */
    uint32_t width, height;               /* 1 to the source's */
} ed_image_settings;

typedef struct {
    ed_image_settings settings;
    uint32_t crop_width, crop_height; /* the part of the source that is used, */
    uint32_t left, top;               /* and where it begins */
} ed_image;

/* sizeof(ed_image), for callers in other languages. */
uint32_t ed_image_bytes(void);

/* ED_RANGE when a setting is outside its limits. */
ed_status ed_image_init(ed_image *image, const ed_image_settings *settings);

/* A row of the small picture: of each pixel the mean of what it covers, rounded. frame
 * [source_height, source_width], out [width]. */
void ed_image_row(const ed_image *image, const uint8_t *frame, uint32_t row, uint8_t *out);

/* The real value of a pixel that the model sees: 0 to 1. */
float ed_image_value(uint8_t pixel);

/* The small picture as the model sees it. out [height, width]. */
void ed_image_window(const ed_image *image, const uint8_t *frame, float *out);

#endif
