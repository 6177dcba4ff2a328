#include "app/ed_app.h"

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_alone.h"
#include "app/ed_input.h"
#include "app/ed_link.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_sense.h"
#include "app/ed_session.h"
#include "app/ed_show.h"
#include "app/ed_stack.h"
#include "app/ed_state.h"
#include "app/ed_stream.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_command.h"
#include "wire/ed_line.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static const char *reason_text(ed_port_reset_reason reason)
{
    switch (reason) {
    case ED_PORT_RESET_POWER:
        return "power";
    case ED_PORT_RESET_COMMAND:
        return "reset";
    case ED_PORT_RESET_BROWNOUT:
        return "brownout";
    default:
        return "unknown";
    }
}

static void boot(void)
{
    ed_port_init();
    ed_stack_paint();
    ed_record_reset();
    ed_link_reset();
    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_stream_reset();
    ed_state_reset();
    ed_sense_reset();
    ed_show_reset();
    ed_alone_reset();

    ed_line_send("m-timestamp-mode-performance");
    ed_line_send("m-init-done");
    ed_record_begin("boot");
    ed_record_text("reason", reason_text(ed_port_boot_reason()));
    ed_record_text("sha256", ed_model.sha256);
    ed_record_end();
    ed_line_send("m-ready");
}

/* Carry out one command. Returns false when the board is to restart. */
static bool execute(ed_command *command)
{
    const ed_command_seal seal = ed_command_unseal(command);
    char *words[ED_COMMAND_MAX_WORDS];
    size_t count;
    bool stay = true;

    if (seal == ED_COMMAND_BROKEN) {
        ed_record_error("crc");
    } else {
        count = ed_command_words(command, words);
        if (seal == ED_COMMAND_SEALED) {
            stay = ed_session_execute(words, count);
        } else if (count == 0) {
            /* A lone '%': the answer is m-ready. */
        } else if (count == 1 && ed_text_equal(words[0], "hello")) {
            ed_session_hello(); /* changes nothing, and a person may type it */
        } else if (ed_session_knows(words[0])) {
            ed_record_error("crc");
        } else {
            ed_mlperf_execute(words, count);
        }
    }
    if (stay) {
        ed_line_send("m-ready");
    }
    return stay;
}

/* Serve the host until the board is to restart. */
static void serve(void)
{
    static ed_command command;
    uint8_t byte;

    ed_command_clear(&command);
    for (;;) {
        ed_command_event event = ED_COMMAND_PARTIAL;
        /* One command at a time, so that a talkative host does not stop the stream. */
        while (event == ED_COMMAND_PARTIAL && ed_link_read(&byte, 1) == 1) {
            ed_alone_end();
            event = ed_command_put(&command, byte);
        }
        if (event == ED_COMMAND_READY) {
            if (!execute(&command)) {
                return;
            }
        } else if (event == ED_COMMAND_SPOILED) {
            ed_line_error("Overlong or unreadable command", NULL);
            ed_line_send("m-ready");
        }
        if (ed_stream_is_on()) {
            ed_stream_step();
        } else if (event == ED_COMMAND_PARTIAL) {
            ed_alone_wait();
        }
    }
}

void ed_app_run(void)
{
    for (;;) {
        boot();
        serve();
        ed_port_reset();
    }
}
