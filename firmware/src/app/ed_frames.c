#include "app/ed_frames.h"

#if ED_SENSOR == ED_SOURCE_CAMERA

enum {
    PERIOD_US = ED_APP_SENSOR_PERIOD_MS * 1000,
    LATE_US = 1000 /* between two looks for a frame that is due */
};

void ed_frames_begin(ed_source_progress *progress, uint64_t now_us)
{
    progress->due_us = now_us + PERIOD_US;
}

bool ed_frames_take(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us, uint8_t *to)
{
    const bool is_due = now_us >= progress->due_us;

    if (!ed_sensor_read_frame(to)) {
        *next_us = is_due ? now_us + LATE_US : progress->due_us;
        progress->at = is_due;
        return false;
    }
    if (progress->at != 0 || !is_due) { /* late, or early: the camera's clock is not ours */
        progress->due_us = now_us;
    }
    do {
        progress->due_us += PERIOD_US;
    } while (progress->due_us <= now_us);
    progress->at = 0;
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_frames_of_firmware_with_a_camera_only;

#endif
