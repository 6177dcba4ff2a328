/* Bytes brought to where the ESP32-S3's vectors read them. */
#ifndef ED_NN_S3_PATCH_H
#define ED_NN_S3_PATCH_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/inline.h"

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) ed_s3_word;
#endif

/* ed_copy, by words where a whole number of them is copied: then both ends lie at words, because
 * tensors do and every step within them is as long. */
ED_INLINE void ed_s3_copy(int32_t bytes, const int8_t *from, int8_t *to)
{
#if defined(__GNUC__)
    if (bytes % 4 == 0) {
        const ed_s3_word *source = (const ed_s3_word *)(const void *)from;
        ed_s3_word *target = (ed_s3_word *)(void *)to;
        for (int32_t i = 0; i < bytes / 4; ++i) {
            target[i] = source[i];
        }
        return;
    }
#endif
    ed_copy(bytes, from, to);
}

#endif
