#include "app/ed_mlperf.h"

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_input.h"
#include "app/ed_results.h"
#include "app/ed_state.h"
#include "app/ed_stream.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_command.h"
#include "wire/ed_line.h"
#include "wire/ed_text.h"
#include "wire/ed_wire.h"

enum { PRINT_BYTES = 32 };

static struct {
    bool going; /* between `db load` and its last byte */
    uint32_t have;
} upload;

void ed_mlperf_reset(void)
{
    upload.going = false;
}

static void put_number_line(const char *text, uint64_t value)
{
    ed_line_text(text);
    ed_line_u64(value);
    ed_line_end();
}

static void lap(void)
{
    put_number_line("m-lap-us-", ed_port_time_us());
}

static void help(void)
{
    static const char *const lines[] = {
        "name, profile, timestamp, results, hello",
        "db load N, db HEX, db print",
        "infer N W: N inferences after W warm-up runs",
        "load, run, stream, reset: with a CRC, see docs/wire.md",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ed_line_send(lines[i]);
    }
}

static void db_load(const char *number)
{
    uint32_t bytes;

    if (ed_text_read_u32(number, ED_MODEL_INPUT_BYTES, ED_MODEL_INPUT_BYTES, &bytes) != ED_OK) {
        ed_line_text("e-[The input has ");
        ed_line_u64(ED_MODEL_INPUT_BYTES);
        ed_line_send(" bytes]");
        return;
    }
    ed_stream_stop();
    ed_input_forget();
    ed_results_forget();
    upload.going = true;
    upload.have = 0;
    ed_line_text("m-[Expecting ");
    ed_line_u64(bytes);
    ed_line_send(" bytes]");
}

static void db_bytes(const char *hex)
{
    uint32_t value;
    uint32_t count = 0;
    size_t length;

    if (!upload.going) {
        ed_line_error("No db load before", NULL);
        return;
    }
    /* All or nothing, so that a refused line may be sent again. */
    while (hex[2 * count] != '\0' && ed_text_read_hex(hex + 2 * count, 2, &value) == ED_OK) {
        count++;
    }
    if (hex[2 * count] != '\0' || count > ED_WIRE_DB_BYTES ||
        count > ED_MODEL_INPUT_BYTES - upload.have) {
        ed_line_error("Not hex, or too many bytes", NULL);
        return;
    }
    for (; count != 0; count--) {
        (void)ed_text_read_hex(hex, 2, &value);
        *ed_input_at(upload.have, &length) = (uint8_t)value;
        upload.have++;
        hex += 2;
    }
    if (upload.have == ED_MODEL_INPUT_BYTES) {
        upload.going = false;
        ed_input_confirm();
        ed_line_send("m-load-done");
    }
}

static void db_print(void)
{
    size_t length;

    if (!ed_input_is_loaded()) {
        ed_line_error("No input is loaded", NULL);
        return;
    }
    for (uint32_t offset = 0; offset < ED_MODEL_INPUT_BYTES; offset++) {
        if (offset % PRINT_BYTES == 0) {
            if (offset != 0) {
                ed_line_end();
            }
            ed_line_text("m-buffer-");
        }
        ed_line_hex(ed_input_at(offset, &length), 1);
    }
    ed_line_end();
}

static void db(char *const *words, size_t count)
{
    if (count == 3 && ed_text_equal(words[1], "load")) {
        db_load(words[2]);
    } else if (count == 2 && ed_text_equal(words[1], "print")) {
        db_print();
    } else if (count == 2) {
        db_bytes(words[1]);
    } else {
        ed_line_error("db load N, db HEX or db print", NULL);
    }
}

static void infer(char *const *words, size_t count)
{
    uint32_t runs = 1;
    uint32_t warmup = ED_WIRE_DEFAULT_WARMUP;

    if (count > 3 ||
        (count > 1 && ed_text_read_u32(words[1], 1, ED_WIRE_MAX_RUNS, &runs) != ED_OK) ||
        (count > 2 && ed_text_read_u32(words[2], 0, ED_WIRE_MAX_WARMUP, &warmup) != ED_OK)) {
        ed_line_error("infer N W: N 1 to 1000000, W 0 to 10000", NULL);
        return;
    }
    if (!ed_input_is_loaded()) {
        ed_line_error("No input is loaded", NULL);
        return;
    }
    put_number_line("m-warmup-start-", warmup);
    while (warmup-- != 0) {
        ed_input_place();
        ed_model_invoke(0);
        ed_state_step();
    }
    ed_line_send("m-warmup-done");
    put_number_line("m-infer-start-", runs);
    lap();
    while (runs-- != 0) {
        ed_input_place();
        ed_model_invoke(0);
        ed_state_step();
    }
    lap();
    ed_line_send("m-infer-done");
    ed_results_keep();
    ed_results_print();
}

static void results(void)
{
    if (ed_results_are_there()) {
        ed_results_print();
    } else {
        ed_line_error("No results", NULL);
    }
}

void ed_mlperf_execute(char *const *words, size_t count)
{
    const char *name = words[0];

    if (ed_text_equal(name, "name")) {
        ed_line_send("m-name-dut-[edge-deploy]");
    } else if (ed_text_equal(name, "profile")) {
        ed_line_send("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
        ed_line_text("m-model-[");
        ed_line_cut_text(ed_model.name, ED_WIRE_TEXT_BYTES);
        ed_line_send("]");
    } else if (ed_text_equal(name, "timestamp")) {
        lap();
    } else if (ed_text_equal(name, "help")) {
        help();
    } else if (ed_text_equal(name, "db")) {
        db(words, count);
    } else if (ed_text_equal(name, "infer")) {
        infer(words, count);
    } else if (ed_text_equal(name, "results")) {
        results();
    } else {
        ed_line_error("Unknown command: ", name);
    }
}
