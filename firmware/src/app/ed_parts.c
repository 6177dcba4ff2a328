#include "app/ed_parts.h"

#include "app/ed_stream.h"
#include "ports/ed_port.h"
#include "wire/ed_command.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static void led(const char *word)
{
    uint32_t on;

    if (ed_text_read_u32(word, 0, 1, &on) != ED_OK) {
        ed_record_error("range");
    } else if (!ed_port_led(on != 0)) {
        ed_record_error("no-part");
    } else {
        ed_record_begin("led");
        ed_record_u64("on", on);
        ed_record_end();
    }
}

/* Different at each word, in all bits: a line that two addresses share shows. */
static uint32_t scattered(size_t i)
{
    return (uint32_t)i * 2654435761u; /* Knuth, The Art of Computer Programming 3, 6.4 */
}

/* How many words did not hold what was written to them. volatile: each is written and read. */
static uint32_t try_words(volatile uint32_t *words, size_t count)
{
    static const uint32_t patterns[] = {0x00000000u, 0xFFFFFFFFu, 0x55555555u, 0xAAAAAAAAu};
    uint32_t errors = 0;

    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        for (size_t i = 0; i < count; i++) {
            words[i] = patterns[p];
        }
        for (size_t i = 0; i < count; i++) {
            errors += words[i] != patterns[p];
        }
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = scattered(i);
    }
    for (size_t i = 0; i < count; i++) {
        errors += words[i] != scattered(i);
    }
    return errors;
}

static void memory(void)
{
    uint64_t bytes = 0;
    uint64_t errors = 0;

    ed_stream_stop(); /* what senses may need the memory that is tried */
    for (uint32_t i = 0;; i++) {
        const ed_port_memory spare = ed_port_spare(i);
        const size_t size = (size_t)(spare.high - spare.low);
        if (spare.low == NULL) {
            break;
        }
        bytes += size;
        errors += try_words((volatile uint32_t *)(void *)spare.low, size / sizeof(uint32_t));
    }
    ed_record_begin("memory");
    ed_record_u64("bytes", bytes);
    ed_record_u64("errors", errors);
    ed_record_end();
}

bool ed_parts_execute(const char *name, char *const *words, size_t count)
{
    if (ed_text_equal(name, "led")) {
        led(count == 2 ? words[1] : "");
    } else if (ed_text_equal(name, "memory")) {
        if (count == 1) {
            memory();
        } else {
            ed_record_error("range");
        }
    } else {
        return false;
    }
    return true;
}
