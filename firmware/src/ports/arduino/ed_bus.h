/* Registers of a chip on an I2C bus. Every function says false where the chip does not answer. */
#ifndef ED_BUS_H
#define ED_BUS_H

#include <Wire.h>
#include <stddef.h>
#include <stdint.h>

struct ed_chip {
    TwoWire *bus;
    uint8_t address;
};

bool ed_chip_answers(const ed_chip &chip);
bool ed_chip_write(const ed_chip &chip, uint8_t address, uint8_t value);
bool ed_chip_read(const ed_chip &chip, uint8_t address, uint8_t *to, size_t count);

/* A little-endian pair of bytes. */
inline int16_t ed_chip_word(const uint8_t *bytes)
{
    return static_cast<int16_t>(static_cast<uint16_t>(bytes[0] | bytes[1] << 8));
}

#endif
