/* What the boards of this port differ in. One file a board implements it, guarded by what the
 * board's core defines; port.cpp, microphone.cpp and imu.cpp are the same for all of them.
 *
 * Called from the firmware's one thread, except where it says otherwise.
 */
#ifndef ED_BOARD_H
#define ED_BOARD_H

#include <stddef.h>
#include <stdint.h>

extern "C" {
#include "ports/ed_port.h"
}

/* Switch the cycle counter on, and tell apart what is soldered to the board. Once a boot. */
void ed_board_init(void);

/* Restart as from power-on. Does not return. */
void ed_board_restart(void);

/* Why the chip started. Read once, before anything clears it. */
ed_port_reset_reason ed_board_reset_reason(void);

/* The core's cycle counter: 32 bits, wait states in it. */
uint32_t ed_board_cycles(void);

/* The name of one of boards.yaml's variants, as ed_board_init() found it; null where what answers
 * fits none or several. */
const char *ed_board_variant(void);

/* A sum of ED_PORT_MICROPHONE ... as ed_board_init() found them. */
uint32_t ed_board_sensors(void);

/* The stack of the task that the sketch runs on, without what the system keeps at its end. */
ed_port_stack_bounds ed_board_stack(void);

/* Switch the LED that a user sees. */
void ed_board_led(bool on);

/* The largest free block of the i-th heap, a multiple of 4 bytes; its size into `bytes`. Null where
 * there is no i-th heap, or nothing is free. ed_board_give_back() frees it. */
uint8_t *ed_board_spare(uint32_t i, size_t *bytes);
void ed_board_give_back(uint8_t *spare);

/* -- the serial port -- */

void ed_board_serial_begin(void);

/* Send what the port takes within `wait_ms`. Returns how many bytes. */
size_t ed_board_write(const uint8_t *bytes, size_t count, uint32_t wait_ms);

/* ed_port_room(). */
uint32_t ed_board_room(void);

/* -- the microphone -- */

/* Samples a second, 0 where the board has none. */
uint32_t ed_board_microphone_rate_hz(void);

/* Begin to call ed_microphone_put(), from an interrupt or from ed_board_microphone_poll(). */
void ed_board_microphone_begin(void);
void ed_board_microphone_end(void);

/* Look whether samples have come, where no interrupt does. Returns how many were lost before them,
 * since it was called last. */
uint32_t ed_board_microphone_poll(void);

/* Samples that have come; may be called from an interrupt. */
void ed_microphone_put(const int16_t *samples, size_t count);

/* -- the inertial sensor -- */

/* A sensor with a FIFO of its own, found on the bus by ed_board_init(). */
struct ed_imu_sensor {
    /* Whether it answers with its own name. */
    bool (*found)(void);
    /* Begin with an empty FIFO at the lowest rate that is not below rate_hz, which is returned in
     * millihertz; 0 where it has none. */
    uint32_t (*begin)(uint32_t rate_hz);
    void (*end)(void);
    /* Move the oldest sample out of the FIFO; false where it is empty. */
    bool (*read)(int16_t sample[ED_PORT_IMU_AXES]);
    /* Whether the FIFO has lost samples since it was asked last. It may have been emptied then. */
    bool (*overrun)(void);
};

/* Null where the board has none. */
const ed_imu_sensor *ed_board_imu(void);

#endif
