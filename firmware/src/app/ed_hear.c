#include "app/ed_hear.h"

#if ED_SENSES

#include "app/ed_input.h"
#include "app/ed_mlperf.h"
#include "app/ed_sense.h"
#include "app/ed_stream.h"
#include "app/ed_upload.h"
#include "app/ed_window.h"
#include "wire/ed_command.h"
#include "wire/ed_crc.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static uint32_t expected; /* bytes that the host is to send to the window's room */

static uint8_t *room_at(size_t offset, size_t *length)
{
    *length = expected - offset;
    return (uint8_t *)ed_window_room() +
           offset; /* all our boards are little-endian, as samples are */
}

static uint32_t room_crc(void)
{
    return ed_crc32(0, ed_window_room(), expected);
}

static void hear(char *const *words, size_t count)
{
    ed_upload upload;
    uint32_t most;

    if (ed_upload_read(words, count, &upload) != ED_OK) {
        return;
    }
    most = ed_window_room_samples() * ED_SENSOR_SAMPLE_BYTES;
    if (upload.bytes == 0 || upload.bytes % ED_SENSOR_SAMPLE_BYTES != 0 || upload.bytes > most) {
        ed_upload_refuse(most);
        return;
    }
    ed_stream_stop();
    ed_input_forget(); /* it stood in the room */
    ed_mlperf_reset();
    expected = upload.bytes;
    if (ed_upload_take(&upload, room_at, room_crc) == ED_OK) {
        ed_sense_append(upload.bytes / ED_SENSOR_SAMPLE_BYTES);
        ed_upload_confirm(&upload);
    }
}

static void forget(void)
{
    ed_stream_stop();
    ed_sense_forget();
}

static void decide(void)
{
    ed_stream_stop();
    ed_sense_infer(NULL);
}

bool ed_hear_execute(const char *name, char *const *words, size_t count)
{
    static const struct {
        const char *name;
        void (*execute)(void);
    } bare[] = {{"forget", forget}, {"decide", decide}, {"window", ed_sense_show_window}};
    void (*execute)(void) = NULL;
    const bool hears = ed_text_equal(name, "hear");

    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
        if (ed_text_equal(name, bare[i].name)) {
            execute = bare[i].execute;
        }
    }
    if (!hears && execute == NULL) {
        return false;
    }
    if (!ed_sense_is_ready()) {
        ed_sense_refuse();
    } else if (hears) {
        hear(words, count);
    } else if (count != 1) {
        ed_record_error("range");
    } else {
        execute();
    }
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_hear_of_firmware_that_senses_only;

#endif
