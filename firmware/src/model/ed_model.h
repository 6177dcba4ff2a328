/* The one seam between the firmware and the code that the compiler generates.
 *
 * The compiler emits `ed_model.c`, which defines what is declared here, and `ed_model_config.h`,
 * which has the sizes that must be known before linking:
 *   ED_MODEL_ARENA_BYTES       activations and every scratch buffer
 *   ED_MODEL_INPUT_BYTES       all inputs, one after the other
 *   ED_MODEL_OUTPUT_BYTES      all outputs, one after the other
 *   ED_MODEL_INPUT_PRESERVED   1: ed_model_invoke() leaves the inputs as they were; 0: it may not
 *   ED_MODEL_LAYERS            number of layers that a lap is reported for
 *   ED_MODEL_STATE_BYTES       of the arena, those that live from one inference to the next
 * Neither file is committed.
 */
#ifndef ED_MODEL_H
#define ED_MODEL_H

#include <stdint.h>

#include "ed_model_config.h"

#define ED_MODEL_MAX_RANK 6

typedef enum {
    ED_DTYPE_FLOAT32 = 0,
    ED_DTYPE_INT8 = 1,
    ED_DTYPE_UINT8 = 2,
    ED_DTYPE_INT16 = 3,
    ED_DTYPE_INT32 = 4,
    ED_DTYPE_BOOL = 5,
    ED_DTYPE_INT64 = 6 /* as two words, the low one first; aligned to 4 */
} ed_dtype;

/* One input or output: real = scale * (quantized - zero_point). */
typedef struct {
    const char *name; /* printable ASCII, already escaped for the wire (docs/wire.md) */
    ed_dtype dtype;
    uint8_t rank;
    uint32_t shape[ED_MODEL_MAX_RANK];
    uint32_t bytes;
    float scale; /* 0.0f: not quantized */
    int32_t zero_point;
} ed_model_tensor;

/* One layer, as `profile` names it: an operator of the file, or several fused into one. */
typedef struct {
    uint16_t index;       /* of the (first) operator in the .tflite */
    const char *operator_name; /* such as "CONV_2D" */
    uint32_t macs;
} ed_model_layer;

typedef struct {
    const char *name;   /* printable ASCII, escaped for the wire */
    const char *sha256; /* of the .tflite, 64 hex digits */
    const char *engine; /* what made the code, such as "edge-deploy-0.1.0/cortex_m4" */
    uint32_t arena_bytes;
    uint32_t macs;
    uint16_t inputs;
    uint16_t outputs;
    uint16_t layers;
    const ed_model_tensor *input;  /* [inputs] */
    const ed_model_tensor *output; /* [outputs] */
    const ed_model_layer *layer;   /* [layers] */
} ed_model_facts;

extern const ed_model_facts ed_model;

/* Called after each layer with its position in ed_model.layer. */
typedef void (*ed_model_lap)(uint16_t layer);

/* Put variables (streaming state) to their initial values. To be called once before the first
 * invoke, and again to forget a stream. */
void ed_model_reset(void);

/* Where input i is to be written, ed_model.input[i].bytes long, aligned to 4. Valid until invoke. */
void *ed_model_input(uint16_t i);

/* Where output i stands after invoke, until the next write to an input. Aligned to 4. */
const void *ed_model_output(uint16_t i);

/* Run once. lap may be a null pointer. */
void ed_model_invoke(ed_model_lap lap);

#endif
