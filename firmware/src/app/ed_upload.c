#include "app/ed_upload.h"

#include "app/ed_link.h"
#include "ports/ed_port.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

enum { CRC_DIGITS = 8 };

static void fail_with(const char *code, const char *key, uint32_t value)
{
    ed_record_begin("error");
    ed_record_text("code", code);
    ed_record_u64(key, value);
    ed_record_end();
}

ed_status ed_upload_read(char *const *words, size_t count, ed_upload *upload)
{
    if (count != 3 || ed_text_read_u32(words[1], 0, UINT32_MAX, &upload->bytes) != ED_OK ||
        ed_text_read_hex(words[2], CRC_DIGITS, &upload->crc) != ED_OK ||
        words[2][CRC_DIGITS] != '\0') {
        ed_record_error("range");
        return ED_MALFORMED;
    }
    return ED_OK;
}

void ed_upload_refuse(uint32_t want)
{
    fail_with("size", "want", want);
}

static void ask_for_more(uint32_t have)
{
    ed_record_begin("more");
    ed_record_u64("have", have);
    ed_record_end();
}

/* Take `bytes` raw bytes, `room` of them at a time; 0: all at once. Returns how many came before the
 * host fell silent. */
static uint32_t receive(ed_upload_place at, uint32_t bytes, uint32_t room)
{
    const uint64_t silence_us = (uint64_t)ED_WIRE_UPLOAD_SILENCE_MS * 1000u;
    uint64_t since_us = ed_port_time_us();
    uint32_t asked = room;
    uint32_t have = 0;

    while (have < bytes) {
        size_t length;
        uint8_t *to = at(have, &length);
        if (room != 0 && have >= asked) {
            ask_for_more(have);
            asked = have + room;
        }
        const size_t count = ed_link_read(to, length);
        if (count != 0) {
            have += (uint32_t)count;
            since_us = ed_port_time_us();
        } else {
            const uint64_t silent_us = ed_port_time_us() - since_us;
            if (silent_us >= silence_us) {
                break;
            }
            ed_port_wait((uint32_t)(silence_us - silent_us));
        }
    }
    return have;
}

ed_status ed_upload_take(const ed_upload *upload, ed_upload_place at, uint32_t (*crc_of)(void))
{
    const uint32_t room = ed_port_room();
    uint32_t found;

    ed_record_begin("go");
    ed_record_u64("bytes", upload->bytes);
    if (room != 0) {
        ed_record_u64("room", room);
    }
    ed_record_end();
    found = receive(at, upload->bytes, room);
    if (found != upload->bytes) {
        fail_with("timeout", "have", found);
        return ED_MISSING;
    }
    found = crc_of();
    if (found != upload->crc) {
        ed_record_begin("error");
        ed_record_text("code", "data");
        ed_record_hex32("crc", found);
        ed_record_end();
        return ED_MALFORMED;
    }
    return ED_OK;
}

void ed_upload_confirm(const ed_upload *upload)
{
    ed_record_begin("loaded");
    ed_record_u64("bytes", upload->bytes);
    ed_record_hex32("crc", upload->crc);
    ed_record_end();
}
