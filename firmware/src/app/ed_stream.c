#include "app/ed_stream.h"

#include "app/ed_input.h"
#include "app/ed_measure.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_tensor.h"
#include "ed_app_config.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

#ifndef ED_APP_SUPPLY_MV
#define ED_APP_SUPPLY_MV 0 /* not known: no current can be told from energy */
#endif

#if ED_APP_SOURCE == ED_SOURCE_RAMP

#if ED_APP_RAMP_STEPS < 1 || ED_APP_RAMP_PERIOD_US < 1
#error "a ramp has at least one step, and a period"
#endif

enum { POWER_PERIOD_US = 100000 };

static struct {
    bool on;
    uint32_t want; /* results to give, 0: no end */
    uint32_t given;
    uint32_t overruns;
    uint32_t step;   /* of the ramp */
    uint64_t due_us; /* the next inference */
    uint64_t power_due_us;
    uint64_t power_us; /* the last ed-power, or the stream's begin */
    uint64_t power_nj;
    bool power; /* the board has a meter */
} stream;

const char *ed_stream_source(void)
{
    return "ramp";
}

/* The next input: the ramp's value in the first element of input 0, real zero everywhere else. */
static void fill_input(void)
{
    const float part = (float)stream.step / (float)ED_APP_RAMP_STEPS;
    const float value = ED_APP_RAMP_FROM + (ED_APP_RAMP_TO - ED_APP_RAMP_FROM) * part;

    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        const ed_model_tensor *tensor = &ed_model.input[i];
        const uint32_t elements = ed_tensor_elements(tensor);
        for (uint32_t j = 0; j < elements; j++) {
            ed_tensor_set(tensor, ed_model_input(i), j, i == 0 && j == 0 ? value : 0.0f);
        }
    }
    stream.step = stream.step + 1 < ED_APP_RAMP_STEPS ? stream.step + 1 : 0;
}

void ed_stream_reset(void)
{
    stream.on = false;
}

ed_status ed_stream_start(uint32_t results)
{
    ed_port_counts now;

    ed_port_counters(&now);
    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_model_reset();
    stream.on = true;
    stream.want = results;
    stream.given = 0;
    stream.overruns = 0;
    stream.step = 0;
    stream.due_us = now.value[ED_PORT_US] + ED_APP_RAMP_PERIOD_US;
    stream.power_us = now.value[ED_PORT_US];
    stream.power_due_us = stream.power_us + POWER_PERIOD_US;
    stream.power_nj = now.value[ED_PORT_ENERGY_NJ];
    stream.power = ED_APP_SUPPLY_MV != 0 && ((now.known >> ED_PORT_ENERGY_NJ) & 1u) != 0;
    return ED_OK;
}

void ed_stream_stop(void)
{
    if (stream.on) {
        stream.on = false;
        ed_record_begin("stream");
        ed_record_text("state", "off");
        ed_record_u64("n", stream.given);
        ed_record_end();
    }
}

bool ed_stream_is_on(void)
{
    return stream.on;
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

static void infer(void)
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
    fill_input();
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
    ed_record_u64("n", stream.given);
    ed_record_u64("t_us", begun_us);
    ed_record_u64("dsp_us", ready_us - begun_us);
    ed_record_u64("inference_us", spent.value[ED_PORT_US]);
    ed_record_u64("post_us", end_us - done_us);
    ed_record_u64("overruns", stream.overruns);
    spent.known &= ~(1u << ED_PORT_US); /* that is inference_us */
    ed_measure_report(&spent);
    ed_record_u64("top", top);
    ed_record_hex32("top_bits", ed_text_float_bits(top_value));
    put_all("in", in, in_bytes);
    put_all("out", out, out_bytes);
    ed_record_end();
    stream.given++;
}

static void report_power(void)
{
    ed_port_counts now;
    float us;
    float nj;

    ed_port_counters(&now);
    us = (float)(uint32_t)(now.value[ED_PORT_US] - stream.power_us);
    nj = (float)(uint32_t)(now.value[ED_PORT_ENERGY_NJ] - stream.power_nj);
    ed_record_begin("power");
    ed_record_u64("t_us", now.value[ED_PORT_US]);
    /* nJ / us = mW, and 10^6 mW / mV = uA. */
    ed_record_u64("current_ua", (uint32_t)(nj * 1e6f / (us * ED_APP_SUPPLY_MV) + 0.5f));
    ed_record_u64("voltage_mv", ED_APP_SUPPLY_MV);
    ed_record_u64("energy_nj", now.value[ED_PORT_ENERGY_NJ]);
    ed_record_end();
    stream.power_us = now.value[ED_PORT_US];
    stream.power_nj = now.value[ED_PORT_ENERGY_NJ];
}

void ed_stream_step(void)
{
    uint64_t now_us = ed_port_time_us();
    uint64_t next_us = stream.due_us;

    if (stream.power && now_us >= stream.power_due_us) {
        report_power();
        while (stream.power_due_us <= now_us) {
            stream.power_due_us += POWER_PERIOD_US;
        }
    }
    if (now_us >= stream.due_us) {
        infer();
        stream.due_us += ED_APP_RAMP_PERIOD_US;
        now_us = ed_port_time_us();
        while (stream.due_us + ED_APP_RAMP_PERIOD_US <= now_us) {
            stream.due_us += ED_APP_RAMP_PERIOD_US; /* an appointment that was missed */
            stream.overruns++;
        }
        if (stream.given == stream.want) {
            ed_stream_stop();
        }
        return;
    }
    if (stream.power && stream.power_due_us < next_us) {
        next_us = stream.power_due_us;
    }
    ed_port_wait_timed((uint32_t)(next_us - now_us));
}

#else /* no source */

const char *ed_stream_source(void)
{
    return "none";
}

void ed_stream_reset(void)
{
}

ed_status ed_stream_start(uint32_t results)
{
    (void)results;
    return ED_MISSING;
}

void ed_stream_stop(void)
{
}

bool ed_stream_is_on(void)
{
    return false;
}

void ed_stream_step(void)
{
}

#endif
