/* Bytes from standard input through the command parser, as ed_app.c drives it, under the
 * sanitizers; prints how many commands of each kind it saw. Aborts where a promise is broken. */
#include "check.h"
#include "fake_port.h"
#include "wire/ed_command.h"
#include "wire/ed_line.h"
#include "wire/ed_text.h"

int main(void)
{
    ed_command command;
    unsigned long ready = 0;
    unsigned long spoiled = 0;
    unsigned long sealed = 0;
    int byte;

    ed_command_clear(&command);
    while ((byte = getchar()) != EOF) {
        const ed_command_event event = ed_command_put(&command, (uint8_t)byte);
        char *words[ED_COMMAND_MAX_WORDS];
        size_t count;
        CHECK(command.length <= ED_WIRE_COMMAND_BYTES);
        CHECK((event == ED_COMMAND_PARTIAL) == (byte != '%'));
        if (event == ED_COMMAND_SPOILED) {
            spoiled++;
        }
        if (event != ED_COMMAND_READY) {
            continue;
        }
        ready++;
        CHECK(strlen(command.text) <= ED_WIRE_COMMAND_BYTES);
        if (ed_command_unseal(&command) == ED_COMMAND_SEALED) {
            sealed++;
        }
        count = ed_command_words(&command, words);
        CHECK(count <= ED_COMMAND_MAX_WORDS);
        for (size_t i = 0; i < count; i++) {
            uint32_t value;
            CHECK(words[i] >= command.text && strlen(words[i]) > 0);
            CHECK(words[i] + strlen(words[i]) <= command.text + ED_WIRE_COMMAND_BYTES);
            (void)ed_text_read_u32(words[i], 0, UINT32_MAX, &value);
            (void)ed_text_read_hex(words[i], 8, &value);
            fake_port_clear();
            ed_line_error("Unknown command: ", words[i]);
            CHECK(fake_port_sent_bytes <= 21 + 40 + 3);
        }
    }
    printf("%lu %lu %lu\n", ready, spoiled, sealed);
    return 0;
}
