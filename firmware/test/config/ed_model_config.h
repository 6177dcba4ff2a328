/* The sizes of fake_model.c. -DFAKE_PRESERVED=1: it leaves its inputs as they were. */
#ifndef ED_MODEL_CONFIG_H
#define ED_MODEL_CONFIG_H

#ifndef FAKE_PRESERVED
#define FAKE_PRESERVED 0
#endif

#define ED_MODEL_ARENA_BYTES 512
#define ED_MODEL_INPUT_BYTES 490
#define ED_MODEL_OUTPUT_BYTES 76
#define ED_MODEL_INPUT_PRESERVED FAKE_PRESERVED
#define ED_MODEL_LAYERS 3
#define ED_MODEL_STATE_BYTES 0

#endif
