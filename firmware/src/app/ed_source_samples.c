#include "app/ed_source.h"

#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE || ED_APP_SOURCE == ED_SOURCE_IMU

#include "app/ed_sense.h"
#include "app/ed_sensor.h"
#include "app/ed_window.h"

#if ED_APP_STRIDE < 1
#error "a stride is at least one frame"
#endif

enum { PATIENCE_US = 100000 }; /* a long stride must not fill the sensor's buffer */

/* How many samples a stride's frames add. */
#if ED_APP_SOURCE == ED_SOURCE_MICROPHONE
enum { STRIDE_SAMPLES = ED_APP_STRIDE * ED_APP_AUDIO_HOP_SAMPLES };
#else
enum { STRIDE_SAMPLES = ED_APP_STRIDE };
#endif

const char *ed_source_name(void)
{
    return ED_SENSOR_NAME;
}

ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us)
{
    (void)progress;
    (void)now_us;
    if (!ed_sense_is_ready() || ed_sensor_start() != ED_OK) {
        return ED_MISSING;
    }
    ed_sense_forget();
    return ED_OK;
}

void ed_source_end(void)
{
    ed_sensor_stop();
}

/* Another stride is in the window: an inference, unless the next stride is waiting already. */
static void complete_stride(ed_source_progress *progress)
{
    const uint32_t lost = ed_sensor_lost();
    const bool late = ed_sensor_waiting() >= STRIDE_SAMPLES;

    if (late || lost != progress->at) {
        progress->overruns++;
    }
    progress->at = lost;
    if (!late) {
        const ed_sense_losses losses = {progress->overruns, lost};
        ed_sense_infer(&losses);
        progress->results++;
    }
}

/* Take what was sensed, at most up to the end of the next frame. */
bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us)
{
    const uint32_t missing = ed_window_missing();
    const uint32_t space = ed_window_room_samples();
    const uint32_t most = missing < space ? missing : space;
    const uint32_t count = ed_sensor_read(ed_window_room(), most);

    if (count == 0) {
        const uint32_t us = ed_sensor_us(most);
        *next_us = now_us + (us < PATIENCE_US ? us : PATIENCE_US);
        return false;
    }
    ed_sense_append(count);
    if (count == missing && ed_window_frames() % ED_APP_STRIDE == 0) {
        complete_stride(progress);
    }
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_source_of_firmware_with_a_microphone_or_imu_only;

#endif
