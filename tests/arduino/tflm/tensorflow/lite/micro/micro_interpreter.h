/* Declarations of TensorFlow Lite Micro's interpreter, as much as a sketch calls. */
#ifndef ED_FAKE_MICRO_INTERPRETER_H
#define ED_FAKE_MICRO_INTERPRETER_H

#include <stddef.h>
#include <stdint.h>

typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef union {
    int8_t *int8;
    uint8_t *uint8;
    float *f;
    char *raw;
} TfLitePtrUnion;

typedef struct {
    TfLitePtrUnion data;
} TfLiteTensor;

namespace tflite
{
struct Model;
class MicroOpResolver
{
  public:
    virtual ~MicroOpResolver() = default;
};

class MicroInterpreter
{
  public:
    MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena,
                     size_t arena_bytes);
    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();
    TfLiteTensor *input(size_t i);
    TfLiteTensor *output(size_t i);
};
} // namespace tflite

#endif
