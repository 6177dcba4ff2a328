/* The only seam between the portable firmware and a board.
 *
 * A new board is one folder beside this file that defines these functions, and calls
 * ed_app_run() (app/ed_app.h) when it can: start from `template/`. Nothing in app/, wire/ or nn/
 * knows which board it runs on. All functions are called from one thread, never from interrupts.
 */
#ifndef ED_PORT_H
#define ED_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a board may count. Time is always known; the rest where `known` has the bit. */
enum {
    ED_PORT_US = 0,           /* microseconds since boot */
    ED_PORT_CYCLES = 1,       /* core cycles, memory without wait states */
    ED_PORT_CYCLES_BOARD = 2, /* core cycles as the board takes them */
    ED_PORT_INSTRUCTIONS = 3, /* executed instructions */
    ED_PORT_ENERGY_NJ = 4,    /* energy since boot, nanojoules */
    ED_PORT_COUNTERS = 5
};

typedef struct {
    uint64_t value[ED_PORT_COUNTERS]; /* those that are not known are 0 */
    uint32_t known;                   /* bit i: value[i] is known */
} ed_port_counts;

typedef enum {
    ED_PORT_RESET_POWER = 0,
    ED_PORT_RESET_COMMAND = 1,
    ED_PORT_RESET_BROWNOUT = 2,
    ED_PORT_RESET_UNKNOWN = 3
} ed_port_reset_reason;

/* Bits of ed_port_sensors(). */
#define ED_PORT_MICROPHONE 1u
#define ED_PORT_IMU 2u
#define ED_PORT_CAMERA 4u

/* For ed_port_wait(): until a byte is waiting, however long that takes. */
#define ED_PORT_FOREVER UINT32_MAX

/* The stack, for painting: [low, high), growing down from high. Both null: not known. */
typedef struct {
    uint8_t *low;
    uint8_t *high;
} ed_port_stack_bounds;

/* A stretch of memory: [low, high). */
typedef struct {
    uint8_t *low;
    uint8_t *high;
} ed_port_memory;

/* Make the serial port and the counters ready. Called first, once a boot. */
void ed_port_init(void);

/* Copy at most `limit` bytes that have come from the host into `to`, without waiting.
 * Returns how many: 0 when none is there. */
size_t ed_port_read(uint8_t *to, size_t limit);

/* How many bytes may come before the first of them is read: an upload comes in pieces of so many.
 * 0: any number, since the link makes a host wait that is too fast. */
uint32_t ed_port_room(void);

/* Send `count` bytes; `bytes` may be reused on return. Where no host listens they may be lost. */
void ed_port_write(const uint8_t *bytes, size_t count);

/* Microseconds since power-on or, where the clock restarts with the firmware, since boot. */
uint64_t ed_port_time_us(void);

/* All counters at one moment. The moment must be at the same instruction for every caller, so
 * that a difference of two is exact: never inline it. What it costs should be little, and
 * after the moment: it counts towards what follows. */
void ed_port_counters(ed_port_counts *now);

/* Nothing to do for that long, or until a byte from the host is waiting, whichever is first. */
void ed_port_wait(uint32_t us);

/* The same, where the end is an appointment with a source (a sensor, the ramp) and not a
 * time-out: a board with virtual time may go there at once. */
void ed_port_wait_timed(uint32_t us);

/* Restart as from power-on, with ED_PORT_RESET_COMMAND as the reason. A board does not return
 * from it; where it returns (the host port) the firmware begins again with ed_port_init(). */
void ed_port_reset(void);

/* Why the board started. */
ed_port_reset_reason ed_port_boot_reason(void);

/* Which variant of boards.yaml's the board is, by what it finds on itself: text that stays. Null where
 * the port knows no more than the build (ED_APP_VARIANT). */
const char *ed_port_variant(void);

/* Where the stack lies. */
ed_port_stack_bounds ed_port_stack(void);

/* Switch the LED that a user sees on or off. Returns false where the board has none. */
bool ed_port_led(bool on);

/* What a person who looks at the board is to see of the model: a label, or a brightness, or neither. */
typedef struct {
    const char *label; /* printable ASCII, at most ED_PORT_LABEL_CHARS of it; null: no label */
    const char *score; /* of the label, such as "97 %" */
    uint32_t colour;   /* of the label: which it is of those that can be decided, from 0 */
    uint8_t level;     /* where there is no label: 0 is dark, 255 as bright as can be */
} ed_port_shown;

#define ED_PORT_LABEL_CHARS 24

/* Show that until the next call, on what the board has for it: an LED, a display, or nothing. Called
 * at every boot and where something changes, never during an inference; it should take milliseconds.
 * `shown` and its texts may be gone on return. */
void ed_port_show(const ed_port_shown *shown);

/* RAM that nothing uses, to be tried: the i-th such stretch, [low, high), a multiple of 4 bytes that
 * begins at one. Both null where there is no i-th. The next call gives it back. */
ed_port_memory ed_port_spare(uint32_t i);

/* What the board can sense: a sum of the bits above. */
uint32_t ed_port_sensors(void);

/* The microphone, for boards whose ed_port_sensors() has ED_PORT_MICROPHONE; no others are asked
 * to start it. Samples are 16-bit, mono. The board collects them by itself, from DMA or an
 * interrupt, into a buffer that must hold what comes during one inference (256 ms is good): the
 * firmware reads it between inferences only. What finds no room is lost, and counted. */

/* Samples a second that ed_port_microphone_start() will give; 0: there is no microphone. */
uint32_t ed_port_microphone_rate_hz(void);

/* Begin, with an empty buffer and nothing lost. One that runs begins anew. */
void ed_port_microphone_start(void);

void ed_port_microphone_stop(void);

/* How many samples are waiting. */
uint32_t ed_port_microphone_waiting(void);

/* Move at most `limit` waiting samples to `to`, the oldest first, without waiting for more.
 * Returns how many. */
size_t ed_port_microphone_read(int16_t *to, size_t limit);

/* How many samples were lost since the start. */
uint32_t ed_port_microphone_lost(void);

/* The inertial sensor, for boards whose ed_port_sensors() has ED_PORT_IMU. As with the microphone,
 * the board collects samples by itself, into a buffer that must hold what comes during one
 * inference; what finds no room is lost, the oldest first, and counted. */

/* What one sample is: acceleration along x, y and z in units of 1/8192 g (+-4 g), and the rate of
 * turn about them in units of 2000/32768 degrees a second. */
#define ED_PORT_IMU_AXES 6

/* Begin at `rate_hz` samples a second, with an empty buffer and nothing lost. One that runs begins
 * anew. Returns false where the board has no such sensor, or not at that rate. */
bool ed_port_imu_start(uint32_t rate_hz);

void ed_port_imu_stop(void);

/* How many samples are waiting. */
uint32_t ed_port_imu_waiting(void);

/* Move at most `limit` waiting samples to `to`, the oldest first, without waiting for more.
 * Returns how many. */
size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit);

/* How many samples were lost since the start. */
uint32_t ed_port_imu_lost(void);

/* The camera, for boards whose ed_port_sensors() has ED_PORT_CAMERA. It takes whole frames by
 * itself, of which only the newest waits: one that nobody has read is lost, and counted, as soon
 * as the next one is whole. A frame that is read while the next one comes in must not be torn.
 * Where nothing but the core can read the camera, a frame that is due is said to wait, and read
 * when it is asked for. */

/* Begin to take a frame of `width` x `height` grey pixels every `period_ms`, with none waiting and
 * none lost. One that runs begins anew. Returns false where the board has no camera, or not one of
 * that size or pace. */
bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms);

void ed_port_camera_stop(void);

/* Whether a frame is waiting. */
bool ed_port_camera_waiting(void);

/* Move the waiting frame to `to` [height][width], one byte a pixel (0 black, 255 white), row by
 * row from the upper left. Returns false where none is waiting, and leaves `to` as it was; or where
 * the frame could not be read to its end, which is lost. */
bool ed_port_camera_read(uint8_t *to);

/* How many frames were lost since the start. */
uint32_t ed_port_camera_lost(void);

#endif
