/* Declarations of TensorFlow Lite's schema, as much as a sketch calls. */
#ifndef ED_FAKE_SCHEMA_H
#define ED_FAKE_SCHEMA_H

namespace tflite
{
struct Model;
const Model *GetModel(const void *data);
} // namespace tflite

#endif
