/* What the model remembers from one inference to the next, and for how many it has.
 *
 * A model without variables remembers nothing: ED_MODEL_STATE_BYTES is 0, and so is the count.
 */
#ifndef ED_STATE_H
#define ED_STATE_H

#include <stdint.h>

/* Put the model's variables to their initial values. */
void ed_state_reset(void);

/* An inference was made. Every ed_model_invoke() is followed by this. */
void ed_state_step(void);

/* How many inferences were made since the reset, modulo 2^32. */
uint32_t ed_state_steps(void);

#endif
