#include "app/ed_sense.h"

#if ED_SENSES

#include "app/ed_decision.h"
#include "app/ed_input.h"
#include "app/ed_measure.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_sensor.h"
#include "app/ed_show.h"
#include "app/ed_state.h"
#include "app/ed_window.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_crc.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static struct {
    bool ready;
    uint32_t results; /* since the window was cleared */
    uint64_t dsp_us;  /* for features since the last result */
} sense;

void ed_sense_reset(void)
{
    sense.ready = ed_window_init() == ED_OK;
    if (sense.ready) {
        ed_sense_forget();
    }
}

bool ed_sense_is_ready(void)
{
    return sense.ready;
}

void ed_sense_describe(void)
{
    ed_window_describe();
    ed_record_hex32("threshold_bits", ed_text_float_bits(ED_APP_DECISION_THRESHOLD));
    ed_record_u64("smooth", ED_APP_DECISION_SMOOTH);
    ed_record_u64("hold_off", ED_APP_DECISION_HOLD_OFF);
    ed_record_end();
}

void ed_sense_refuse(void)
{
    if (sense.ready) {
        ed_sensor_refuse();
        return;
    }
    ed_record_begin("error");
    ed_record_text("code", "no-source");
    ed_record_text("missing", "features");
    ed_record_end();
}

void ed_sense_forget(void)
{
    ed_state_reset();
    ed_window_clear();
    ed_decision_clear();
    sense.results = 0;
    sense.dsp_us = 0;
}

void ed_sense_append(uint32_t count)
{
    const uint64_t begun_us = ed_port_time_us();

    ed_window_append(count);
    sense.dsp_us += ed_port_time_us() - begun_us;
}

void ed_sense_infer(const ed_sense_losses *losses)
{
    const ed_model_tensor *output = &ed_model.output[0];
    const uint64_t begun_us = ed_port_time_us();
    ed_port_counts spent;
    ed_decision made;
    uint64_t ready_us;
    uint64_t done_us;
    uint64_t end_us;
    uint32_t top;
    float top_value;
    bool heard;

    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_window_copy(ed_model_input(0), 0, ED_WINDOW_BYTES);
    ready_us = ed_port_time_us();
    ed_measure_invoke(false, &spent);
    done_us = ed_port_time_us();
    top = ed_results_top(&top_value);
    heard =
        losses != NULL && ed_decision_put(output, ed_model_output(0), ed_window_frames(), &made);
    end_us = ed_port_time_us();

    ed_record_begin("result");
    ed_record_u64("n", sense.results);
    ed_record_u64("t_us", begun_us);
    ed_record_u64("dsp_us", sense.dsp_us + (ready_us - begun_us));
    ed_record_u64("inference_us", spent.value[ED_PORT_US]);
    ed_record_u64("post_us", end_us - done_us);
    ed_record_u64("overruns", losses != NULL ? losses->overruns : 0);
    ed_record_u64("lost", losses != NULL ? losses->lost : 0);
    spent.known &= ~(1u << ED_PORT_US); /* that is inference_us */
    ed_measure_report(&spent);
    ed_record_u64("top", top);
    ed_record_hex32("top_bits", ed_text_float_bits(top_value));
    if (output->bytes <= ED_WIRE_OUT_BYTES) {
        ed_record_hex("out", ed_model_output(0), output->bytes);
    }
    if (heard) {
        ed_record_u64("heard", made.label);
        ed_record_hex32("score_bits", ed_text_float_bits(made.score));
    }
    ed_record_end();
    sense.results++;
    sense.dsp_us = 0;
    if (losses != NULL) {
        ed_show_decision(output, heard ? &made : NULL, end_us);
    }
}

void ed_sense_show_window(void)
{
    int8_t part[ED_WIRE_OUT_BYTES];
    uint32_t crc = 0;

    for (uint32_t offset = 0; offset < ED_WINDOW_BYTES; offset += ED_WIRE_OUT_BYTES) {
        const uint32_t left = ED_WINDOW_BYTES - offset;
        const uint32_t count = left < ED_WIRE_OUT_BYTES ? left : ED_WIRE_OUT_BYTES;
        ed_window_copy(part, offset, count);
        crc = ed_crc32(crc, part, count);
        ed_record_begin("window");
        ed_record_u64("off", offset);
        ed_record_hex("hex", part, count);
        ed_record_end();
    }
    ed_record_begin("windowed");
    ed_record_u64("bytes", ED_WINDOW_BYTES);
    ed_record_u64("frames", ed_window_frames());
    ed_record_u64("samples", ed_window_samples());
    ed_record_hex32("crc", crc);
    ed_record_end();
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_sense_of_firmware_that_senses_only;

#endif
