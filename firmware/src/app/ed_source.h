/* Where a stream's inputs come from: exactly one of these, as the build's ED_APP_SOURCE says.
 * ed_source_*.c define the functions, each for its own; ed_stream.c calls them. */
#ifndef ED_SOURCE_H
#define ED_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define ED_SOURCE_NONE 0
#define ED_SOURCE_RAMP 1       /* inputs that the board makes up */
#define ED_SOURCE_MICROPHONE 2 /* and below: raw samples into the window */
#define ED_SOURCE_IMU 3
#define ED_SOURCE_CAMERA 4
#define ED_SOURCE_RECORDER 5 /* raw samples of ED_APP_SENSOR to the host */

#include "ed_app_config.h"
#include "wire/ed_wire.h"

/* Whether this firmware has a window that a sensor fills. */
#define ED_SENSES                                                               \
    (ED_APP_SOURCE == ED_SOURCE_MICROPHONE || ED_APP_SOURCE == ED_SOURCE_IMU || \
     ED_APP_SOURCE == ED_SOURCE_CAMERA)
/* Whether it sends the sensor's samples as they are. */
#define ED_RECORDS (ED_APP_SOURCE == ED_SOURCE_RECORDER)

/* As `hello` names it. */
#if ED_APP_SOURCE != ED_SOURCE_NONE
const char *ed_source_name(void);
#else
static inline const char *ed_source_name(void)
{
    return "none";
}
#endif

/* How far a stream is. All 0 when it begins; the source goes on with it. */
typedef struct {
    uint32_t results; /* that were given */
    uint32_t overruns;
    uint32_t at; /* ramp: its step; microphone, IMU: what was lost when last looked at; camera:
                      * whether a frame is late */
    uint64_t due_us; /* when the source is to be looked at next, where it keeps a time */
} ed_source_progress;

/* Begin. ED_MISSING: this board has it not, or not as the lab wants it. */
ed_status ed_source_begin(ed_source_progress *progress, uint64_t now_us);

void ed_source_end(void);

/* Do what is due at `now_us`. Returns false where that was nothing; *next_us is then when something
 * will be. */
bool ed_source_step(ed_source_progress *progress, uint64_t now_us, uint64_t *next_us);

#endif
