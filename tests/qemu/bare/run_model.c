/* Runs the generated model on the embedded inputs, and prints every output.
 *
 * ed_case_inputs holds ED_CASE_COUNT inputs of ED_MODEL_INPUT_BYTES, each all of the model's
 * input tensors in order. With ED_CASE_MEASURE the instructions of the last ed_model_invoke()
 * are counted, after those of functions of known length.
 */
#include "bare.h"
#include "case.h"
#include "model/ed_model.h"

static void write_bytes(const uint8_t *bytes, uint32_t count)
{
    char text[3];
    text[2] = '\0';
    for (uint32_t i = 0; i < count; ++i) {
        text[0] = "0123456789abcdef"[bytes[i] >> 4];
        text[1] = "0123456789abcdef"[bytes[i] & 15u];
        ed_write(text);
    }
}

static void load(const uint8_t *from)
{
    for (uint16_t i = 0; i < ed_model.inputs; ++i) {
        uint8_t *to = ed_model_input(i);
        for (uint32_t b = 0; b < ed_model.input[i].bytes; ++b) {
            to[b] = *from++;
        }
    }
}

static void write_outputs(void)
{
    ed_write("out ");
    for (uint16_t i = 0; i < ed_model.outputs; ++i) {
        write_bytes(ed_model_output(i), ed_model.output[i].bytes);
    }
    ed_write("\n");
}

#ifdef ED_CASE_MEASURE
#define READS 84 /* of measure_qemu.S; measure_virtual.S takes 4 of them */

void ed_measure(void (*measured)(ed_model_lap), uint32_t *reads);
void ed_nops_0(ed_model_lap lap);
void ed_nops_1(ed_model_lap lap);
void ed_nops_39(ed_model_lap lap);
void ed_nops_40(ed_model_lap lap);
void ed_nops_41(ed_model_lap lap);
void ed_nops_1000(ed_model_lap lap);

static void measure(const char *name, void (*measured)(ed_model_lap))
{
    static uint32_t reads[READS];
    ed_measure(measured, reads);
    ed_write("reads ");
    ed_write(name);
    for (uint32_t i = 0; i < READS; ++i) {
        ed_write(" ");
        ed_write_hex32(reads[i]);
    }
    ed_write("\n");
}
#endif

void ed_main(void)
{
    ed_model_reset();
    for (uint32_t n = 0; n < ED_CASE_COUNT; ++n) {
        load(ed_case_inputs + n * ED_MODEL_INPUT_BYTES);
        ed_model_invoke(0);
        write_outputs();
    }
#ifdef ED_CASE_MEASURE
    ed_counter_start();
    measure("nops_0", ed_nops_0);
    measure("nops_1", ed_nops_1);
    measure("nops_39", ed_nops_39);
    measure("nops_40", ed_nops_40);
    measure("nops_41", ed_nops_41);
    measure("nops_1000", ed_nops_1000);
    load(ed_case_inputs + (ED_CASE_COUNT - 1u) * ED_MODEL_INPUT_BYTES);
    measure("invoke", ed_model_invoke);
#endif
    ed_write("done\n");
    ed_exit(0);
}
