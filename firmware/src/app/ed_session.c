#include "app/ed_session.h"

#include <stdint.h>

#include "app/ed_hear.h"
#include "app/ed_input.h"
#include "app/ed_labels.h"
#include "app/ed_measure.h"
#include "app/ed_mlperf.h"
#include "app/ed_parts.h"
#include "app/ed_results.h"
#include "app/ed_sense.h"
#include "app/ed_sensor.h"
#include "app/ed_source.h"
#include "app/ed_stack.h"
#include "app/ed_state.h"
#include "app/ed_stream.h"
#include "app/ed_tensor.h"
#include "app/ed_upload.h"
#include "ed_app_config.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_command.h"
#include "wire/ed_line.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"
#include "wire/ed_wire.h"

enum { FLAG_LAYERS = 1 };

static void put_tensor(const char *kind, uint16_t i, const ed_model_tensor *tensor)
{
    ed_record_begin(kind);
    ed_record_u64("i", i);
    ed_record_text("name", tensor->name);
    ed_record_text("type", ed_tensor_type_name(tensor->dtype));
    ed_record_shape("shape", tensor->shape, tensor->rank);
    ed_record_u64("bytes", tensor->bytes);
    if (tensor->scale != 0.0f) {
        ed_record_hex32("scale_bits", ed_text_float_bits(tensor->scale));
        ed_record_i32("zero_point", tensor->zero_point);
    }
    ed_record_end();
}

static void put_board(void)
{
    static const char *const sensors[] = {"microphone", "imu", "camera"};
    const char *const variant = ed_port_variant();

    ed_record_begin("hello");
    ed_record_u64("protocol", ED_WIRE_PROTOCOL);
    ed_record_text("board", ED_APP_BOARD);
    ed_record_text("variant", variant != NULL ? variant : ED_APP_VARIANT);
    ed_record_text("port", ED_APP_PORT);
    ed_record_text("firmware", ED_APP_FIRMWARE);
    ed_record_text("engine", ed_model.engine);
    ed_record_text("model", ed_model.name);
    ed_record_text("sha256", ed_model.sha256);
    ed_record_u64("clock_hz", ED_APP_CLOCK_HZ);
    ed_record_u64("inputs", ed_model.inputs);
    ed_record_u64("outputs", ed_model.outputs);
    ed_record_u64("labels", ED_APP_LABELS);
    ed_record_u64("layers", ed_model.layers);
    ed_record_u64("arena_bytes", ed_model.arena_bytes);
    if (ED_MODEL_STATE_BYTES != 0) {
        ed_record_u64("state_bytes", ED_MODEL_STATE_BYTES);
    }
    ed_record_names("sensors", sensors, 3, ed_port_sensors());
    ed_record_text("source", ed_source_name());
    ed_measure_report_counters("counters");
    ed_record_end();
}

/* How a sensor is used. */
static void put_sensing(void)
{
#if ED_SENSES
    ed_sense_describe();
#elif ED_RECORDS
    ed_record_begin("recorder");
    ed_record_text("sensor", ED_SENSOR_NAME);
    ed_sensor_describe();
    ed_record_end();
#endif
}

void ed_session_hello(void)
{
    put_board();
    put_sensing();
    for (uint16_t i = 0; i < ed_model.inputs; i++) {
        put_tensor("input", i, &ed_model.input[i]);
    }
    for (uint16_t i = 0; i < ed_model.outputs; i++) {
        put_tensor("output", i, &ed_model.output[i]);
    }
    for (uint32_t i = 0; i + 1 < ED_APP_LABELS + 1; i++) {
        ed_record_begin("label");
        ed_record_u64("i", i);
        ed_record_text("text", ed_labels_text(i));
        ed_record_end();
    }
}

static void load(char *const *words, size_t count)
{
    ed_upload upload;

    if (ed_upload_read(words, count, &upload) != ED_OK) {
        return;
    }
    if (upload.bytes != ED_MODEL_INPUT_BYTES) {
        ed_upload_refuse(ED_MODEL_INPUT_BYTES);
        return;
    }
    ed_stream_stop();
    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    if (ed_upload_take(&upload, ed_input_at, ed_input_crc) == ED_OK) {
        ed_input_confirm();
        ed_upload_confirm(&upload);
    }
}

static void report_run(uint32_t run, const ed_port_counts *spent, bool layers)
{
    ed_record_begin("run");
    ed_record_u64("run", run);
    ed_measure_report(spent);
    ed_record_end();
    for (uint32_t layer = 0; layers && layer < ed_model.layers; layer++) {
        ed_record_begin("layer");
        ed_record_u64("run", run);
        ed_record_u64("layer", layer);
        ed_measure_report_layer(layer);
        ed_record_end();
    }
}

static void run(char *const *words, size_t count)
{
    ed_port_counts spent;
    uint32_t runs;
    uint32_t warmup;
    uint32_t flags;
    bool layers;

    if (count != 4 || ed_text_read_u32(words[1], 1, ED_WIRE_MAX_RUNS, &runs) != ED_OK ||
        ed_text_read_u32(words[2], 0, ED_WIRE_MAX_WARMUP, &warmup) != ED_OK ||
        ed_text_read_u32(words[3], 0, FLAG_LAYERS, &flags) != ED_OK) {
        ed_record_error("range");
        return;
    }
    if (!ed_input_is_loaded()) {
        ed_record_error("no-input");
        return;
    }
    layers = (flags & FLAG_LAYERS) != 0;
    while (warmup-- != 0) { /* along the same path, so that it warms what is measured */
        ed_input_place();
        ed_measure_invoke(layers, &spent);
    }
    for (uint32_t i = 0; i < runs; i++) {
        ed_input_place();
        ed_measure_invoke(layers, &spent);
        report_run(i, &spent, layers);
    }
    ed_results_keep();
    ed_results_record();
    ed_record_begin("done");
    ed_record_u64("runs", runs);
    ed_record_hex32("in_crc", ed_input_crc());
    ed_record_hex32("out_crc", ed_results_crc());
    if (ED_MODEL_STATE_BYTES != 0) {
        ed_record_u64("since", ed_state_steps());
    }
    if (ed_stack_peak() != 0) {
        ed_record_u64("stack_bytes", ed_stack_peak());
    }
    ed_record_end();
}

/* Carry out a command of firmware that remembers: what it sensed, or variables of the model. Returns
 * whether it was one. */
static bool remember(const char *name, char *const *words, size_t count)
{
#if ED_SENSES
    return ed_hear_execute(name, words, count);
#else
    (void)words;
    if (ED_MODEL_STATE_BYTES == 0 || !ed_text_equal(name, "forget")) {
        return false;
    }
    if (count != 1) {
        ed_record_error("range");
    } else {
        ed_stream_stop();
        ed_state_reset();
    }
    return true;
#endif
}

static void refuse_stream(void)
{
#if ED_SENSES
    ed_sense_refuse();
#elif ED_RECORDS
    ed_sensor_refuse();
#else
    ed_record_error("no-source");
#endif
}

/* `stream`, and `raw` where this firmware records. */
static void stream(char *const *words, size_t count)
{
    uint32_t results = 0;

    if (count == 2 && ed_text_equal(words[1], "off")) {
        ed_stream_stop();
    } else if (count < 2 || count > 3 || !ed_text_equal(words[1], "on") ||
               (count == 3 && ed_text_read_u32(words[2], 1, ED_WIRE_MAX_RUNS, &results) != ED_OK)) {
        ed_record_error("range");
    } else if (ED_RECORDS && ed_text_equal(words[0], "stream")) {
        ed_record_error("no-source");
    } else if (ed_stream_start(results) != ED_OK) {
        refuse_stream();
    }
}

bool ed_session_knows(const char *word)
{
    static const char *const names[] = {
        "hello", "load",   "run",    "stream", "reset",
#if ED_SENSES
        "hear",  "forget", "decide", "window",
#elif ED_MODEL_STATE_BYTES
        "forget",
#endif
#if ED_RECORDS
        "raw",   "led",    "memory",
#endif
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ed_text_equal(word, names[i])) {
            return true;
        }
    }
    return false;
}

bool ed_session_execute(char *const *words, size_t count)
{
    const char *name = count == 0 ? "" : words[0];

    if (ed_text_equal(name, "load")) {
        load(words, count);
    } else if (ed_text_equal(name, "run")) {
        run(words, count);
    } else if (ed_text_equal(name, "stream") || (ED_RECORDS && ed_text_equal(name, "raw"))) {
        stream(words, count);
    } else if (remember(name, words, count) ||
               (ED_RECORDS && ed_parts_execute(name, words, count))) {
        /* It was, and is done. */
    } else if (!ed_session_knows(name)) {
        ed_record_error("unknown");
    } else if (count != 1) {
        ed_record_error("range");
    } else if (ed_text_equal(name, "hello")) {
        ed_session_hello();
    } else {
        ed_record_begin("reset");
        ed_record_end();
        return false;
    }
    return true;
}
