#include "app/ed_state.h"

#include "model/ed_model.h"

static uint32_t steps;

void ed_state_reset(void)
{
    ed_model_reset();
    steps = 0;
}

void ed_state_step(void)
{
    if (ED_MODEL_STATE_BYTES != 0) {
        steps++;
    }
}

uint32_t ed_state_steps(void)
{
    return steps;
}
