#include "app/ed_input.h"

#include "app/ed_window.h"
#include "model/ed_model.h"
#include "wire/ed_crc.h"

static bool loaded;

#if !ED_MODEL_INPUT_PRESERVED

/* Where it is kept. */
static uint8_t *kept(void)
{
#if ED_SENSES
    return ed_window_lend();
#else
    static uint32_t copy[(ED_MODEL_INPUT_BYTES + 3) / 4];

    return (uint8_t *)copy;
#endif
}

#endif

void ed_input_forget(void)
{
    loaded = false;
}

void ed_input_confirm(void)
{
    loaded = true;
}

bool ed_input_is_loaded(void)
{
    return loaded;
}

uint8_t *ed_input_at(size_t offset, size_t *length)
{
#if ED_MODEL_INPUT_PRESERVED
    uint16_t i = 0;

    while (offset >= ed_model.input[i].bytes) {
        offset -= ed_model.input[i].bytes;
        i++;
    }
    *length = ed_model.input[i].bytes - offset;
    return (uint8_t *)ed_model_input(i) + offset;
#else
    *length = ED_MODEL_INPUT_BYTES - offset;
    return kept() + offset;
#endif
}

uint32_t ed_input_crc(void)
{
    uint32_t crc = 0;
    size_t length;

    for (size_t offset = 0; offset < ED_MODEL_INPUT_BYTES; offset += length) {
        const uint8_t *at = ed_input_at(offset, &length);
        crc = ed_crc32(crc, at, length);
    }
    return crc;
}

void ed_input_place(void)
{
#if !ED_MODEL_INPUT_PRESERVED
    const uint8_t *from = kept();

    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        uint8_t *to = ed_model_input(i);
        for (uint32_t j = 0; j < ed_model.input[i].bytes; j++) {
            to[j] = from[j];
        }
        from += ed_model.input[i].bytes;
    }
#endif
}
