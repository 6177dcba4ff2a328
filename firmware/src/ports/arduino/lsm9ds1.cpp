/* Registers: STMicroelectronics, LSM9DS1 data sheet (DocID025715), sections 6 and 7. */
#include "ports/arduino/ed_lsm9ds1.h"

enum {
    WHO_AM_I = 0x0F,
    CTRL_REG1_G = 0x10,
    OUT_X_G = 0x18,
    CTRL_REG6_XL = 0x20,
    CTRL_REG8 = 0x22,
    CTRL_REG9 = 0x23,
    OUT_X_XL = 0x28,
    FIFO_CTRL = 0x2E,
    FIFO_SRC = 0x2F
};

enum {
    NAME = 0x68,
    GYROSCOPE_2000_DPS = 3 << 3,
    ACCELEROMETER_4_G = 2 << 3,
    BLOCK_UPDATE = 1 << 6,
    ADDRESS_GROWS = 1 << 2,
    FIFO_ON = 1 << 1,
    FIFO_OFF = 0,
    FIFO_GOES_ON = 6 << 5, /* the newest sample takes the oldest one's place */
    OVERRUN = 1 << 6,
    STORED = 0x3F,
    OFF = 0
};

/* Output data rates while the gyroscope runs: bits 7 to 5 of CTRL_REG1_G. */
static const struct {
    uint32_t mhz;
    uint8_t bits;
} RATES[] = {
    {14900, 1 << 5},  {59500, 2 << 5},  {119000, 3 << 5},
    {238000, 4 << 5}, {476000, 5 << 5}, {952000, 6 << 5},
};

static ed_chip chip = {nullptr, 0x6B};

static bool found(void)
{
    uint8_t name;

    return ed_chip_read(chip, WHO_AM_I, &name, 1) && name == NAME;
}

static void end(void)
{
    (void)ed_chip_write(chip, CTRL_REG1_G, OFF);
    (void)ed_chip_write(chip, CTRL_REG6_XL, OFF);
}

static uint32_t begin(uint32_t rate_hz)
{
    for (const auto &rate : RATES) {
        if (rate.mhz < rate_hz * 1000u) {
            continue;
        }
        /* Through FIFO_OFF, which empties it. */
        return ed_chip_write(chip, CTRL_REG8, BLOCK_UPDATE | ADDRESS_GROWS) &&
                       ed_chip_write(chip, FIFO_CTRL, FIFO_OFF) &&
                       ed_chip_write(chip, CTRL_REG9, FIFO_ON) &&
                       ed_chip_write(chip, CTRL_REG6_XL,
                                     static_cast<uint8_t>(rate.bits | ACCELEROMETER_4_G)) &&
                       ed_chip_write(chip, CTRL_REG1_G,
                                     static_cast<uint8_t>(rate.bits | GYROSCOPE_2000_DPS)) &&
                       ed_chip_write(chip, FIFO_CTRL, FIFO_GOES_ON)
                   ? rate.mhz
                   : 0;
    }
    return 0;
}

static bool read(int16_t sample[ED_PORT_IMU_AXES])
{
    uint8_t stored;
    uint8_t bytes[6];

    if (!ed_chip_read(chip, FIFO_SRC, &stored, 1) || (stored & STORED) == 0) {
        return false;
    }
    if (!ed_chip_read(chip, OUT_X_G, bytes, sizeof bytes)) {
        return false;
    }
    for (int axis = 0; axis < 3; axis++) {
        sample[3 + axis] = ed_chip_word(bytes + 2 * axis);
    }
    if (!ed_chip_read(chip, OUT_X_XL, bytes, sizeof bytes)) {
        return false;
    }
    for (int axis = 0; axis < 3; axis++) {
        sample[axis] = ed_chip_word(bytes + 2 * axis);
    }
    return true;
}

static bool overrun(void)
{
    uint8_t stored;

    return ed_chip_read(chip, FIFO_SRC, &stored, 1) && (stored & OVERRUN) != 0;
}

const ed_imu_sensor *ed_lsm9ds1(TwoWire *bus)
{
    static const ed_imu_sensor sensor = {found, begin, end, read, overrun};

    chip.bus = bus;
    return &sensor;
}
