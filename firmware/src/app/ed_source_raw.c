#include "app/ed_source.h"

#if ED_RECORDS

#include "app/ed_frames.h"
#include "app/ed_sensor.h"
#include "app/ed_stream.h"
#include "wire/ed_record.h"

const char *ed_source_name(void)
{
    return "recorder";
}

static void put(uint64_t number, uint32_t lost, const void *samples, uint32_t bytes)
{
    ed_record_begin("raw");
    ed_record_u64("n", number);
    ed_record_u64("lost", lost);
    ed_record_hex("hex", samples, bytes);
    ed_record_end();
}

void ed_source_end(void)
{
    ed_sensor_stop();
}

#if ED_SENSOR == ED_SOURCE_CAMERA

static struct {
    uint64_t taken;  /* pixels since the stream began */
    uint32_t place;  /* how many of the frame were sent */
    uint64_t number; /* of the frame's first pixel */
    uint32_t lost;   /* when the frame was taken */
    uint8_t frame[ED_SENSOR_FRAME_BYTES];
} raw;

ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us)
{
    raw.taken = 0;
    raw.place = ED_SENSOR_FRAME_BYTES;
    ed_frames_begin(progress, now_us);
    return ed_sensor_start();
}

/* One record a step, so that commands are taken while a frame is sent. */
bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us)
{
    uint32_t left;

    if (raw.place == ED_SENSOR_FRAME_BYTES) {
        if (!ed_frames_take(progress, now_us, next_us, raw.frame)) {
            return false;
        }
        raw.place = 0;
        raw.lost = ed_sensor_lost();
        raw.number = raw.taken + (uint64_t)raw.lost * ED_SENSOR_FRAME_BYTES;
        raw.taken += ED_SENSOR_FRAME_BYTES;
    }
    left = ED_SENSOR_FRAME_BYTES - raw.place;
    if (left > ED_WIRE_RAW_BYTES) {
        left = ED_WIRE_RAW_BYTES;
    }
    put(raw.number + raw.place, raw.lost, raw.frame + raw.place, left);
    raw.place += left;
    progress->results += raw.place == ED_SENSOR_FRAME_BYTES;
    return true;
}

#else

enum {
    RECORD = ED_WIRE_RAW_BYTES / ED_SENSOR_SAMPLE_BYTES, /* samples */
    PATIENCE_US = 50000 /* for a record to fill: a slow sensor's trace is live all the same */
};

static struct {
    uint64_t sent;   /* samples since the stream began */
    int16_t room[RECORD * ED_SENSOR_ROOM_BYTES / 2];
} raw;

ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us)
{
    raw.sent = 0;
    progress->due_us = now_us + PATIENCE_US;
    return ed_sensor_start();
}

bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us)
{
    const uint32_t left = ed_stream_left();
    const uint32_t most = left < RECORD ? left : RECORD;
    const uint32_t waiting = ed_sensor_waiting();
    uint32_t lost;
    uint32_t count;

    if (waiting < most && now_us < progress->due_us) {
        const uint64_t full_us = now_us + ed_sensor_us(most - waiting);
        *next_us = full_us < progress->due_us ? full_us : progress->due_us;
        return false;
    }
    progress->due_us = now_us + PATIENCE_US;
    lost = ed_sensor_lost(); /* before what is read: a buffer drops the oldest */
    count = ed_sensor_read(raw.room, most);
    if (count != 0) {
        put(raw.sent + lost, lost, raw.room, count * ED_SENSOR_SAMPLE_BYTES);
        raw.sent += count;
    }
    progress->results += count;
    return true;
}

#endif

#else

/* ISO C wants a declaration in every file. */
typedef int ed_source_of_firmware_that_records_only;

#endif
