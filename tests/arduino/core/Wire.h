/* Declarations of TwoWire, as both cores have them. */
#ifndef ED_FAKE_WIRE_H
#define ED_FAKE_WIRE_H

#include <stddef.h>
#include <stdint.h>

class TwoWire
{
  public:
    explicit TwoWire(int number);
    void begin();
    void end();
    void setClock(uint32_t hz);
    void beginTransmission(uint8_t address);
    size_t write(uint8_t byte);
    uint8_t endTransmission(bool stop = true);
    size_t requestFrom(uint8_t address, size_t count);
    int read();

  private:
    int number_;
};
extern TwoWire Wire;
extern TwoWire Wire1;

#endif
