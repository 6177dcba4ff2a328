/* Declarations of ArduinoCore-mbed's PDM library. */
#ifndef ED_FAKE_PDM_H
#define ED_FAKE_PDM_H

#include <stddef.h>

class PDMClass
{
  public:
    int begin(int channels, int rate_hz);
    void end();
    int available();
    int read(void *to, size_t bytes);
    void onReceive(void (*called)(void));
    void setBufferSize(int bytes);
};
extern PDMClass PDM;

#endif
