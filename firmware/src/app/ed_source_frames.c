#include "app/ed_source.h"

#if ED_APP_SOURCE == ED_SOURCE_CAMERA

#include "app/ed_frames.h"
#include "app/ed_sense.h"
#include "app/ed_sensor.h"
#include "app/ed_window.h"

const char *ed_source_name(void)
{
    return ED_SENSOR_NAME;
}

ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us)
{
    if (!ed_sense_is_ready() || ed_sensor_start() != ED_OK) {
        return ED_MISSING;
    }
    ed_sense_forget();
    ed_frames_begin(progress, now_us);
    return ED_OK;
}

void ed_source_end(void)
{
    ed_sensor_stop();
}

bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us)
{
    ed_sense_losses losses;

    if (!ed_frames_take(progress, now_us, next_us, ed_window_room())) {
        return false;
    }
    losses.lost = ed_sensor_lost();
    losses.overruns = losses.lost; /* the newest frame is always taken */
    ed_sense_append(ED_SENSOR_FRAME_BYTES);
    ed_sense_infer(&losses);
    progress->results++;
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_source_of_firmware_with_a_camera_only;

#endif
