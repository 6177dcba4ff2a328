#include "app/ed_source.h"

#if ED_APP_SOURCE == ED_SOURCE_RAMP

#include "app/ed_measure.h"
#include "app/ed_results.h"
#include "app/ed_show.h"
#include "app/ed_tensor.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"
#include "wire/ed_wire.h"

#if ED_APP_RAMP_STEPS < 1 || ED_APP_RAMP_PERIOD_US < 1
#error "a ramp has at least one step, and a period"
#endif

const char *ed_source_name(void)
{
    return "ramp";
}

ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us)
{
    progress->due_us = now_us + ED_APP_RAMP_PERIOD_US;
    return ED_OK;
}

void ed_source_end(void)
{
}

/* The next input: the ramp's value in the first element of input 0, real zero everywhere else. */
static void fill_input(ed_source_progress *progress)
{
    const float part = (float)progress->at / (float)ED_APP_RAMP_STEPS;
    const float value = ED_APP_RAMP_FROM + (ED_APP_RAMP_TO - ED_APP_RAMP_FROM) * part;

    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        const ed_model_tensor *tensor = &ed_model.input[i];
        const uint32_t elements = ed_tensor_elements(tensor);
        for (uint32_t j = 0; j < elements; j++) {
            ed_tensor_set(tensor, ed_model_input(i), j, i == 0 && j == 0 ? value : 0.0f);
        }
    }
    progress->at = progress->at + 1 < ED_APP_RAMP_STEPS ? progress->at + 1 : 0;
}

/* All inputs (outputs) as one field, where they are short enough. */
static void put_all(const char *key, const uint8_t *bytes, uint32_t count)
{
    if (count <= ED_WIRE_OUT_BYTES) {
        ed_record_hex(key, bytes, count);
    }
}

static uint32_t gather(uint8_t to[ED_WIRE_OUT_BYTES], uint32_t have, const uint8_t *from,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count && have + i < ED_WIRE_OUT_BYTES; i++) {
        to[have + i] = from[i];
    }
    return have + count;
}

static void infer(ed_source_progress *progress)
{
    uint8_t in[ED_WIRE_OUT_BYTES]; /* the run may overwrite it before it is told */
    uint8_t out[ED_WIRE_OUT_BYTES];
    uint32_t in_bytes = 0;
    uint32_t out_bytes = 0;
    ed_port_counts spent;
    uint64_t begun_us;
    uint64_t ready_us;
    uint64_t done_us;
    uint64_t end_us;
    uint32_t top;
    float top_value;

    begun_us = ed_port_time_us();
    fill_input(progress);
    ready_us = ed_port_time_us();
    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        in_bytes = gather(in, in_bytes, ed_model_input(i), ed_model.input[i].bytes);
    }
    ed_measure_invoke(false, &spent);
    done_us = ed_port_time_us();
    top = ed_results_top(&top_value);
    end_us = ed_port_time_us();
    for (uint16_t i = 0; i < ed_model.outputs; i++) {
        out_bytes = gather(out, out_bytes, ed_model_output(i), ed_model.output[i].bytes);
    }

    ed_record_begin("result");
    ed_record_u64("n", progress->results);
    ed_record_u64("t_us", begun_us);
    ed_record_u64("dsp_us", ready_us - begun_us);
    ed_record_u64("inference_us", spent.value[ED_PORT_US]);
    ed_record_u64("post_us", end_us - done_us);
    ed_record_u64("overruns", progress->overruns);
    spent.known &= ~(1u << ED_PORT_US); /* that is inference_us */
    ed_measure_report(&spent);
    ed_record_u64("top", top);
    ed_record_hex32("top_bits", ed_text_float_bits(top_value));
    put_all("in", in, in_bytes);
    put_all("out", out, out_bytes);
    ed_record_end();
    ed_show_level(&ed_model.output[0], ed_model_output(0));
}

bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us)
{
    *next_us = progress->due_us;
    if (now_us < progress->due_us) {
        return false;
    }
    infer(progress);
    progress->results++;
    progress->due_us += ED_APP_RAMP_PERIOD_US;
    now_us = ed_port_time_us();
    while (progress->due_us + ED_APP_RAMP_PERIOD_US <= now_us) {
        progress->due_us += ED_APP_RAMP_PERIOD_US; /* an appointment that was missed */
        progress->overruns++;
    }
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_source_of_firmware_with_a_ramp_only;

#endif
