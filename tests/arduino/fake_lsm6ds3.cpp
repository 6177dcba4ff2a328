/* The inertial sensor of the XIAOML kit on the fake core: an LSM6DS3TR-C as its data sheet has it
 * (DocID030071), sections 5.5 "FIFO" and 9. A FIFO of 4 KB fills by the clock, word by word. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <deque>

#include "fake.h"
#include "ports/arduino/ed_board.h"

static const uint8_t ADDRESS = 0x6A, NAME = 0x6A, CONTINUOUS = 6;
static const size_t FIFO_WORDS = 2048;
static const uint32_t RATES_MHZ[] = {0, 12500, 26000, 52000, 104000, 208000, 416000, 833000};

/* "The first sample acquired must be discarded" (5.5): nobody says what it is. */
static const int16_t FIRST = 0x7ABC;

class Lsm6ds3 : public FakeRegisters
{
    uint8_t get(uint8_t address) override;
    void set(uint8_t address, uint8_t value) override;

    uint8_t after(uint8_t address) override
    {
        /* The two bytes of the FIFO's output come again and again. */
        return address == 0x3F ? 0x3E : FakeRegisters::after(address);
    }

    /* Of both sensors, at 4 g and 2000 dps; 0 where they are off, or not as our firmware wants them. */
    uint32_t rate_mhz() const
    {
        const size_t odr = registers_[0x10] >> 4;
        const bool well = registers_[0x11] >> 4 == odr && (registers_[0x10] & 0x0C) == 0x08 &&
                          (registers_[0x11] & 0x0E) == 0x0C;

        return well && odr < sizeof RATES_MHZ / sizeof RATES_MHZ[0] ? RATES_MHZ[odr] : 0;
    }

    /* The FIFO: all of both sensors, neither thinned out. */
    bool runs() const
    {
        return rate_mhz() != 0 && (registers_[0x0A] & 7) == CONTINUOUS &&
               registers_[0x0A] >> 3 == registers_[0x10] >> 4 && registers_[0x08] == 0x09;
    }

    uint64_t due() const
    {
        return (ed_fake_clock_us() - since_us_) * rate_mhz() / 1000000000u;
    }

    void fill();

    uint8_t registers_[256] = {};
    const std::vector<int16_t> motion_ = ed_fake_samples("ED_FAKE_MOTION");
    std::deque<int16_t> fifo_;
    uint64_t since_us_ = 0; /* both sensors run */
    uint64_t come_ = 0;     /* samples since then */
    uint64_t begun_ = 0;    /* of them, when the FIFO began */
    uint64_t words_ = 0;    /* read or written over since then */
};

void Lsm6ds3::fill()
{
    for (const uint64_t until = due(); runs() && come_ < until; come_++) {
        for (size_t word = 0; word < ED_PORT_IMU_AXES; word++) {
            /* The gyroscope first; a recording has it behind the accelerometer, and begins with the
             * second sample. */
            const size_t axis = (word + 3) % ED_PORT_IMU_AXES,
                         at = (static_cast<size_t>(come_) - 1) * ED_PORT_IMU_AXES + axis;
            if (fifo_.size() == FIFO_WORDS) {
                fifo_.pop_front();
                words_++;
            }
            fifo_.push_back(come_ == begun_ ? FIRST : at < motion_.size() ? motion_[at] : 0);
        }
    }
}

uint8_t Lsm6ds3::get(uint8_t address)
{
    switch (address) {
    case 0x0F:
        return NAME;
    case 0x3A: /* how many words: 11 bits, in which a full FIFO looks like an empty one */
        fill();
        return static_cast<uint8_t>(fifo_.size());
    case 0x3B:
        return static_cast<uint8_t>((fifo_.size() >> 8 & 7u) | (fifo_.empty() ? 1u << 4 : 0) |
                                    (fifo_.size() == FIFO_WORDS ? 1u << 6 : 0));
    case 0x3C: /* which of a sample's words comes next */
        return static_cast<uint8_t>(words_ % ED_PORT_IMU_AXES);
    case 0x3E:
        return fifo_.empty() ? 0 : static_cast<uint8_t>(fifo_.front());
    case 0x3F: {
        if (fifo_.empty()) {
            return 0;
        }
        const uint16_t word = static_cast<uint16_t>(fifo_.front());
        fifo_.pop_front();
        words_++;
        return static_cast<uint8_t>(word >> 8);
    }
    default:
        return registers_[address];
    }
}

void Lsm6ds3::set(uint8_t address, uint8_t value)
{
    const bool was_on = rate_mhz() != 0, ran = runs();

    registers_[address] = value;
    if (rate_mhz() != 0 && !was_on) {
        since_us_ = ed_fake_clock_us();
    }
    if ((registers_[0x0A] & 7) == 0) {
        fifo_.clear(); /* Bypass mode */
    }
    if (runs() && !ran) {
        begun_ = come_ = due();
        words_ = 0;
    }
}

FakeChip *ed_fake_chip(int bus, uint8_t address)
{
    static Lsm6ds3 sensor;

    if (bus != 0) {
        return nullptr;
    }
    return address == ADDRESS ? &sensor : address == 0x3C ? ed_fake_display() : nullptr;
}

#endif
