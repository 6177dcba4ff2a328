/* The one sensor that this firmware takes raw samples of, as the build chose and set it up: what
 * ed_port.h has for each, with one face. */
#ifndef ED_SENSOR_H
#define ED_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_source.h"

/* ED_SOURCE_MICROPHONE, ED_SOURCE_IMU, ED_SOURCE_CAMERA; ED_SOURCE_NONE where there is none. */
#if ED_SENSES
#define ED_SENSOR ED_APP_SOURCE
#elif ED_RECORDS
#define ED_SENSOR ED_APP_SENSOR
#else
#define ED_SENSOR ED_SOURCE_NONE
#endif

/* What one raw sample is: docs/wire.md, "Sensing". Of a camera's, a frame has so many. */
#if ED_SENSOR == ED_SOURCE_MICROPHONE
#define ED_SENSOR_SAMPLE_BYTES 2u
#define ED_SENSOR_NAME "microphone"
#elif ED_SENSOR == ED_SOURCE_IMU
#if ED_APP_SENSOR_AXES != 3 && ED_APP_SENSOR_AXES != 6
#error "an inertial sensor has 3 axes or 6"
#endif
#define ED_SENSOR_SAMPLE_BYTES (2u * ED_APP_SENSOR_AXES)
#define ED_SENSOR_NAME "imu"
#elif ED_SENSOR == ED_SOURCE_CAMERA
#define ED_SENSOR_SAMPLE_BYTES 1u
#define ED_SENSOR_NAME "camera"
#define ED_SENSOR_FRAME_BYTES (ED_APP_SENSOR_WIDTH * ED_APP_SENSOR_HEIGHT)
#endif

#if ED_SENSOR != ED_SOURCE_NONE

/* The fields of `hello` that say how it is set up. */
void ed_sensor_describe(void);

/* Begin, with nothing waiting and nothing lost. ED_MISSING: the board has it not, or not so. */
ed_status ed_sensor_start(void);

void ed_sensor_stop(void);

/* Samples (of a camera: frames) that were lost since the start. */
uint32_t ed_sensor_lost(void);

/* Say on the wire why it cannot be started. */
void ed_sensor_refuse(void);

#if ED_SENSOR == ED_SOURCE_CAMERA

/* Move the waiting frame to `to` [ED_SENSOR_FRAME_BYTES]; false: there is none. */
bool ed_sensor_read_frame(uint8_t *to);

#else

/* How many samples are waiting. */
uint32_t ed_sensor_waiting(void);

/* What `to` of ed_sensor_read() must have room for, a sample: the board gives six axes always. */
#if ED_SENSOR == ED_SOURCE_IMU
#define ED_SENSOR_ROOM_BYTES 12u
#else
#define ED_SENSOR_ROOM_BYTES ED_SENSOR_SAMPLE_BYTES
#endif

/* Move at most `limit` waiting samples to `to`, aligned to 2, the oldest first. Returns how many. */
uint32_t ed_sensor_read(void *to, uint32_t limit);

/* How long to wait for so many samples, microseconds. */
uint32_t ed_sensor_us(uint32_t samples);

#endif

#endif

#endif
