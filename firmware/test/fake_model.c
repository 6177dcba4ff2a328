/* A model written by hand, whose outputs anyone can compute: for tests of everything but kernels.
 *
 * inputs  0: int8 [1, 240], scale 1/32, zero point 3; 1: uint8 [250], not quantized
 * outputs 0: int8 [1, 64], scale 1/16, zero point -8; 1: float32 [3]
 * With x the 490 input bytes as 0..255, in order, and s[j] = sum over i of x[i] * ((7 i + 13 j) mod
 * 31): output 0 is the bytes s[j] mod 256, output 1 is {s[0] / 8, -s[1] / 8, s[2] / 8}.
 * Without FAKE_PRESERVED a run leaves its inputs overwritten with 0xA5.
 */
#include "model/ed_model.h"

enum { INPUT_0 = 240, OUTPUT_0 = 64, OUTPUT_1 = 3, SPOILED = 0xA5 };

static uint8_t input_0[INPUT_0] __attribute__((aligned(4)));
static uint8_t input_1[ED_MODEL_INPUT_BYTES - INPUT_0] __attribute__((aligned(4)));
static uint8_t output_0[OUTPUT_0] __attribute__((aligned(4)));
static float output_1[OUTPUT_1];
static uint32_t sums[OUTPUT_0];

static const ed_model_tensor inputs[] = {
    {"serving=5Fdefault", ED_DTYPE_INT8, 2, {1, INPUT_0}, INPUT_0, 0x1p-5f, 3},
    {"second", ED_DTYPE_UINT8, 1, {250}, 250, 0.0f, 0},
};

static const ed_model_tensor outputs[] = {
    {"Identity", ED_DTYPE_INT8, 2, {1, OUTPUT_0}, OUTPUT_0, 0x1p-4f, -8},
    {"real", ED_DTYPE_FLOAT32, 1, {OUTPUT_1}, OUTPUT_1 * 4, 0.0f, 0},
};

static const ed_model_layer layers[ED_MODEL_LAYERS] = {
    {0, "FULLY_CONNECTED", INPUT_0 * OUTPUT_0},
    {1, "FULLY_CONNECTED", 250 * OUTPUT_0},
    {2, "CAST", OUTPUT_0},
};

const ed_model_facts ed_model = {
    .name = "fake=20model",
    .sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    .engine = "by-hand/portable",
    .arena_bytes = ED_MODEL_ARENA_BYTES,
    .macs = ED_MODEL_INPUT_BYTES * OUTPUT_0,
    .inputs = 2,
    .outputs = 2,
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
    return i == 0 ? input_0 : input_1;
}

const void *ed_model_output(uint16_t i)
{
    return i == 0 ? (const void *)output_0 : (const void *)output_1;
}

/* Add to all sums what `count` inputs from position `first` on give. */
static void add(uint8_t *from, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < OUTPUT_0; j++) {
            sums[j] += from[i] * ((7u * (first + i) + 13u * j) % 31u);
        }
        if (!FAKE_PRESERVED) {
            from[i] = SPOILED;
        }
    }
}

void ed_model_invoke(ed_model_lap lap)
{
    for (uint32_t j = 0; j < OUTPUT_0; j++) {
        sums[j] = 0;
    }
    add(input_0, 0, INPUT_0);
    if (lap != 0) {
        lap(0);
    }
    add(input_1, INPUT_0, sizeof input_1);
    if (lap != 0) {
        lap(1);
    }
    for (uint32_t j = 0; j < OUTPUT_0; j++) {
        output_0[j] = (uint8_t)sums[j];
    }
    for (uint32_t j = 0; j < OUTPUT_1; j++) {
        output_1[j] = (j == 1 ? -(float)sums[j] : (float)sums[j]) / 8.0f;
    }
    if (lap != 0) {
        lap(2);
    }
}
