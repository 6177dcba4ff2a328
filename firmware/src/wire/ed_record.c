#include "wire/ed_record.h"

#include <stdbool.h>

#include "wire/ed_line.h"
#include "wire/ed_wire.h"

static uint32_t sequence;

void ed_record_reset(void)
{
    sequence = 0;
}

/* Begin a field; returns where the line is to be cut if the field does not fit. */
static size_t begin_field(const char *key)
{
    const size_t before = ed_line_length();

    ed_line_put(' ');
    ed_line_text(key);
    ed_line_put('=');
    return before;
}

static void end_field(size_t before)
{
    if (ed_line_overflowed()) {
        ed_line_rewind(before);
    }
}

void ed_record_begin(const char *kind)
{
    ed_line_bound();
    ed_line_text("ed-");
    ed_line_text(kind);
    ed_record_u64("seq", sequence);
    sequence++;
}

void ed_record_u64(const char *key, uint64_t value)
{
    const size_t before = begin_field(key);

    ed_line_u64(value);
    end_field(before);
}

void ed_record_i32(const char *key, int32_t value)
{
    const size_t before = begin_field(key);

    ed_line_i32(value);
    end_field(before);
}

void ed_record_hex32(const char *key, uint32_t value)
{
    const size_t before = begin_field(key);

    ed_line_hex32(value);
    end_field(before);
}

void ed_record_hex(const char *key, const void *bytes, size_t count)
{
    const size_t before = begin_field(key);

    ed_line_hex(bytes, count);
    end_field(before);
}

void ed_record_text(const char *key, const char *escaped)
{
    const size_t before = begin_field(key);

    ed_line_cut_text(escaped, ED_WIRE_TEXT_BYTES);
    end_field(before);
}

void ed_record_names(const char *key, const char *const *names, size_t count, uint32_t mask)
{
    const size_t before = begin_field(key);
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (((mask >> i) & 1u) != 0) {
            if (any) {
                ed_line_put(',');
            }
            ed_line_text(names[i]);
            any = true;
        }
    }
    if (!any) {
        ed_line_text("none");
    }
    end_field(before);
}

void ed_record_shape(const char *key, const uint32_t *sizes, size_t rank)
{
    const size_t before = begin_field(key);

    for (size_t i = 0; i < rank; i++) {
        if (i != 0) {
            ed_line_put('x');
        }
        ed_line_u64(sizes[i]);
    }
    end_field(before);
}

void ed_record_end(void)
{
    ed_line_seal();
}

void ed_record_error(const char *code)
{
    ed_record_begin("error");
    ed_record_text("code", code);
    ed_record_end();
}
