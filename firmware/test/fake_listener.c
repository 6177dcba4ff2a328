/* A model that senses, written by hand, whose scores anyone can compute: for tests of the window
 * and of decisions. Sizes are those of the lab that the test made.
 *
 * input   int8 [1, elements of the window, 1], scale FAKE_INPUT_SCALE (1/4), zero point 5
 * output  int8 [1, labels], scale 1/256, zero point -128
 * With x the input bytes as 0..255, in order, score j is the sum over i of
 * x[i] * ((7 i + 13 (FAKE_FIRST + j)) mod 31), mod 256; FAKE_FIRST is 0 where nothing else is said. A run leaves its input overwritten with 0xA5.
 */
#include "ed_app_config.h"
#include "model/ed_model.h"

#ifndef FAKE_INPUT_SCALE
#define FAKE_INPUT_SCALE 0x1p-2f
#endif
#ifndef FAKE_FIRST
#define FAKE_FIRST 0
#endif

enum { SPOILED = 0xA5 };

static uint8_t input[ED_MODEL_INPUT_BYTES] __attribute__((aligned(4)));
static uint8_t output[ED_MODEL_OUTPUT_BYTES] __attribute__((aligned(4)));

static const ed_model_tensor inputs[] = {
    {"window", ED_DTYPE_INT8, 3, {1, sizeof input, 1}, sizeof input, FAKE_INPUT_SCALE, 5},
};

static const ed_model_tensor outputs[] = {
    {"scores", ED_DTYPE_INT8, 2, {1, sizeof output}, sizeof output, 0x1p-8f, -128},
};

static const ed_model_layer layers[ED_MODEL_LAYERS] = {
    {0, "FULLY_CONNECTED", sizeof input * sizeof output},
};

const ed_model_facts ed_model = {
    .name = "fake=20listener",
    .sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    .engine = "by-hand/portable",
    .arena_bytes = ED_MODEL_ARENA_BYTES,
    .macs = sizeof input * sizeof output,
    .inputs = 1,
    .outputs = 1,
    .layers = ED_MODEL_LAYERS,
    .input = inputs,
    .output = outputs,
    .layer = layers,
};

void ed_model_reset(void)
{
    /* No variables. */
}

void *ed_model_input(uint16_t i)
{
    (void)i;
    return input;
}

const void *ed_model_output(uint16_t i)
{
    (void)i;
    return output;
}

void ed_model_invoke(ed_model_lap lap)
{
    for (uint32_t j = 0; j < sizeof output; j++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < sizeof input; i++) {
            sum += input[i] * ((7u * i + 13u * (FAKE_FIRST + j)) % 31u);
        }
        output[j] = (uint8_t)sum;
    }
    for (uint32_t i = 0; i < sizeof input; i++) {
        input[i] = SPOILED;
    }
    if (lap != 0) {
        lap(0);
    }
}
