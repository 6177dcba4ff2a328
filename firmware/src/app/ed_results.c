#include "app/ed_results.h"

#include "app/ed_tensor.h"
#include "model/ed_model.h"
#include "wire/ed_crc.h"
#include "wire/ed_line.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"
#include "wire/ed_wire.h"

static bool there;

void ed_results_keep(void)
{
    there = true;
}

void ed_results_forget(void)
{
    there = false;
}

bool ed_results_are_there(void)
{
    return there;
}

void ed_results_print(void)
{
    char text[ED_TEXT_FIXED3_BYTES];
    bool first = true;

    ed_line_text("m-results-[");
    for (uint16_t i = 0; i < ed_model.outputs; i++) {
        const ed_model_tensor *tensor = &ed_model.output[i];
        const void *data = ed_model_output(i);
        const uint32_t elements = ed_tensor_elements(tensor);
        for (uint32_t j = 0; j < elements; j++) {
            const size_t length = ed_text_fixed3(text, ed_tensor_get(tensor, data, j));
            if (!first) {
                ed_line_put(',');
            }
            first = false;
            for (size_t k = 0; k < length; k++) {
                ed_line_put(text[k]);
            }
        }
    }
    ed_line_send("]");
}

void ed_results_record(void)
{
    for (uint16_t i = 0; i < ed_model.outputs; i++) {
        const uint8_t *data = ed_model_output(i);
        const uint32_t bytes = ed_model.output[i].bytes;
        for (uint32_t offset = 0; offset < bytes; offset += ED_WIRE_OUT_BYTES) {
            const uint32_t left = bytes - offset;
            ed_record_begin("out");
            ed_record_u64("i", i);
            ed_record_u64("off", offset);
            ed_record_hex("hex", data + offset,
                          left < ED_WIRE_OUT_BYTES ? left : ED_WIRE_OUT_BYTES);
            ed_record_end();
        }
    }
}

uint32_t ed_results_crc(void)
{
    uint32_t crc = 0;

    for (uint16_t i = 0; i < ed_model.outputs; i++) {
        crc = ed_crc32(crc, ed_model_output(i), ed_model.output[i].bytes);
    }
    return crc;
}

uint32_t ed_results_top(float *value)
{
    const ed_model_tensor *tensor = &ed_model.output[0];
    const void *data = ed_model_output(0);
    const uint32_t elements = ed_tensor_elements(tensor);
    uint32_t top = 0;

    *value = ed_tensor_get(tensor, data, 0);
    for (uint32_t i = 1; i < elements; i++) {
        const float other = ed_tensor_get(tensor, data, i);
        if (other > *value || (*value != *value && other == other)) {
            *value = other;
            top = i;
        }
    }
    return top;
}
