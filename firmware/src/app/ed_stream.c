#include "app/ed_stream.h"

#include "app/ed_input.h"
#include "app/ed_listen.h"
#include "app/ed_measure.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_state.h"
#include "app/ed_tensor.h"
#include "app/ed_window.h"
#include "ed_app_config.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

#ifndef ED_APP_SUPPLY_MV
#define ED_APP_SUPPLY_MV 0 /* not known: no current can be told from energy */
#endif

#if ED_APP_SOURCE != ED_SOURCE_NONE

enum { POWER_PERIOD_US = 100000 };

static struct {
    bool on;
    uint32_t want; /* results to give, 0: no end */
    uint32_t given;
    uint32_t overruns;
    uint32_t at;     /* ramp: its step; microphone: samples lost when last looked at */
    uint64_t due_us; /* ramp: the next inference */
    uint64_t power_due_us;
    uint64_t power_us; /* the last ed-power, or the stream's begin */
    uint64_t power_nj;
    bool power; /* the board has a meter */
} stream;

/* A result was given: count it, and end the stream where it was the last one. */
static void count_result(void)
{
    stream.given++;
    if (stream.given == stream.want) {
        ed_stream_stop();
    }
}

#endif

#if ED_APP_SOURCE == ED_SOURCE_RAMP

#if ED_APP_RAMP_STEPS < 1 || ED_APP_RAMP_PERIOD_US < 1
#error "a ramp has at least one step, and a period"
#endif

const char *ed_stream_source(void)
{
    return "ramp";
}

static ed_status source_check(void)
{
    return ED_OK;
}

static void source_begin(uint64_t now_us)
{
    stream.due_us = now_us + ED_APP_RAMP_PERIOD_US;
}

static void source_end(void)
{
}

/* The next input: the ramp's value in the first element of input 0, real zero everywhere else. */
static void fill_input(void)
{
    const float part = (float)stream.at / (float)ED_APP_RAMP_STEPS;
    const float value = ED_APP_RAMP_FROM + (ED_APP_RAMP_TO - ED_APP_RAMP_FROM) * part;

    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        const ed_model_tensor *tensor = &ed_model.input[i];
        const uint32_t elements = ed_tensor_elements(tensor);
        for (uint32_t j = 0; j < elements; j++) {
            ed_tensor_set(tensor, ed_model_input(i), j, i == 0 && j == 0 ? value : 0.0f);
        }
    }
    stream.at = stream.at + 1 < ED_APP_RAMP_STEPS ? stream.at + 1 : 0;
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
}

/* Do what is due; where nothing is, say in *next_us when it will be, and return false. */
static bool source_step(uint64_t now_us, uint64_t *next_us)
{
    *next_us = stream.due_us;
    if (now_us < stream.due_us) {
        return false;
    }
    infer();
    stream.due_us += ED_APP_RAMP_PERIOD_US;
    now_us = ed_port_time_us();
    while (stream.due_us + ED_APP_RAMP_PERIOD_US <= now_us) {
        stream.due_us += ED_APP_RAMP_PERIOD_US; /* an appointment that was missed */
        stream.overruns++;
    }
    count_result();
    return true;
}

#elif ED_APP_SOURCE == ED_SOURCE_MICROPHONE

#if ED_APP_AUDIO_STRIDE < 1
#error "a stride is at least one hop"
#endif

enum {
    RATE_HZ = ED_APP_AUDIO_RATE_HZ,
    STRIDE_SAMPLES = ED_APP_AUDIO_STRIDE * ED_APP_AUDIO_HOP_SAMPLES
};

const char *ed_stream_source(void)
{
    return "microphone";
}

static ed_status source_check(void)
{
    return ed_listen_is_ready() && ed_port_microphone_rate_hz() == RATE_HZ ? ED_OK : ED_MISSING;
}

static void source_begin(uint64_t now_us)
{
    (void)now_us;
    ed_listen_forget();
    ed_port_microphone_start();
}

static void source_end(void)
{
    ed_port_microphone_stop();
}

/* Another stride is in the window: an inference, unless the next stride is waiting already. */
static void complete_stride(void)
{
    const uint32_t lost = ed_port_microphone_lost();
    const bool late = ed_port_microphone_waiting() >= STRIDE_SAMPLES;

    if (late || lost != stream.at) {
        stream.overruns++;
    }
    stream.at = lost;
    if (!late) {
        const ed_listen_losses losses = {stream.overruns, lost};
        ed_listen_infer(&losses);
        count_result();
    }
}

/* Take what was heard, at most up to the end of the next frame; where nothing was, say in
 * *next_us when that frame will be complete, and return false. */
static bool source_step(uint64_t now_us, uint64_t *next_us)
{
    const uint32_t missing = ed_window_missing();
    const uint32_t room = missing < ED_LISTEN_SAMPLES ? missing : ED_LISTEN_SAMPLES;
    const uint32_t count = (uint32_t)ed_port_microphone_read(ed_listen_room(), room);

    if (count == 0) {
        /* Rounded up: a little early would be a wait for nothing. */
        *next_us = now_us + (missing * 1000000u + RATE_HZ - 1u) / RATE_HZ;
        return false;
    }
    ed_listen_hear(count);
    if (count == missing && ed_window_frames() % ED_APP_AUDIO_STRIDE == 0) {
        complete_stride();
    }
    return true;
}

#endif

#if ED_APP_SOURCE != ED_SOURCE_NONE

void ed_stream_reset(void)
{
    stream.on = false;
}

ed_status ed_stream_start(uint32_t results)
{
    ed_port_counts now;

    if (source_check() != ED_OK) {
        return ED_MISSING;
    }
    ed_port_counters(&now);
    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_state_reset();
    stream.on = true;
    stream.want = results;
    stream.given = 0;
    stream.overruns = 0;
    stream.at = 0;
    stream.power_us = now.value[ED_PORT_US];
    stream.power_due_us = stream.power_us + POWER_PERIOD_US;
    stream.power_nj = now.value[ED_PORT_ENERGY_NJ];
    stream.power = ED_APP_SUPPLY_MV != 0 && ((now.known >> ED_PORT_ENERGY_NJ) & 1u) != 0;
    source_begin(now.value[ED_PORT_US]);
    return ED_OK;
}

void ed_stream_stop(void)
{
    if (stream.on) {
        stream.on = false;
        source_end();
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
    const uint64_t now_us = ed_port_time_us();
    uint64_t next_us;

    if (stream.power && now_us >= stream.power_due_us) {
        report_power();
        while (stream.power_due_us <= now_us) {
            stream.power_due_us += POWER_PERIOD_US;
        }
    }
    if (source_step(now_us, &next_us)) {
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
