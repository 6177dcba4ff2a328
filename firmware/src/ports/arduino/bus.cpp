#include "ports/arduino/ed_bus.h"

bool ed_chip_answers(const ed_chip &chip)
{
    chip.bus->beginTransmission(chip.address);
    return chip.bus->endTransmission() == 0;
}

bool ed_chip_write(const ed_chip &chip, uint8_t address, uint8_t value)
{
    chip.bus->beginTransmission(chip.address);
    chip.bus->write(address);
    chip.bus->write(value);
    return chip.bus->endTransmission() == 0;
}

bool ed_chip_read(const ed_chip &chip, uint8_t address, uint8_t *to, size_t count)
{
    chip.bus->beginTransmission(chip.address);
    chip.bus->write(address);
    if (chip.bus->endTransmission(false) != 0 ||
        chip.bus->requestFrom(chip.address, count) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = static_cast<uint8_t>(chip.bus->read());
    }
    return true;
}
