/* The loaded input: all of the model's inputs, one after the other, as the host sent them.
 *
 * Where ed_model_invoke() leaves its inputs as they were, the model's own buffers hold it;
 * otherwise it is kept apart and copied before each run, since one load serves any number. Firmware
 * that senses keeps it where raw samples come: whoever writes samples there forgets it.
 */
#ifndef ED_INPUT_H
#define ED_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* There is no loaded input from now on. */
void ed_input_forget(void);

/* All ED_MODEL_INPUT_BYTES have been written: the input is loaded. */
void ed_input_confirm(void);

bool ed_input_is_loaded(void);

/* Where byte `offset` (below ED_MODEL_INPUT_BYTES) is to be written, and in *length how many can
 * be written on from there. */
uint8_t *ed_input_at(size_t offset, size_t *length);

/* CRC-32 of all input bytes. */
uint32_t ed_input_crc(void);

/* Put the loaded input where the model takes it. Before each run. */
void ed_input_place(void);

#endif
