/* Registers: STMicroelectronics, LSM6DS3TR-C data sheet (DocID030071), sections 4.1, 5.5 and 9. */
#include "ports/arduino/ed_lsm6ds3.h"

enum {
    FIFO_CTRL3 = 0x08,
    FIFO_CTRL5 = 0x0A,
    WHO_AM_I = 0x0F,
    CTRL1_XL = 0x10,
    CTRL2_G = 0x11,
    CTRL3_C = 0x12,
    FIFO_STATUS1 = 0x3A,
    FIFO_DATA_OUT_L = 0x3E
};

enum {
    NAME = 0x6A,
    ACCELEROMETER_4_G = 2 << 2,
    GYROSCOPE_2000_DPS = 3 << 2,
    BLOCK_UPDATE = 1 << 6,
    ADDRESS_GROWS = 1 << 2,
    BOTH_IN_FIFO = 1 << 3 | 1, /* neither is thinned out */
    FIFO_OFF = 0,
    FIFO_GOES_ON = 6, /* the newest sample takes the oldest one's place */
    FULL = 1 << 6,    /* of the second status byte: "completely filled" */
    OFF = 0
};

/* Output data rates; the same bits in CTRL1_XL, CTRL2_G (7 to 4) and FIFO_CTRL5 (6 to 3). */
static const struct {
    uint32_t mhz;
    uint8_t bits;
} RATES[] = {{12500, 1},  {26000, 2},  {52000, 3}, {104000, 4},
             {208000, 5}, {416000, 6}, {833000, 7}};

/* 70 mdps a step at 2000 dps (table 3), where ours has 2000/32768: 3584/3125 times as many. */
static const int32_t TURN_UP = 3584, TURN_DOWN = 3125;

static ed_chip chip = {nullptr, 0x6A};
static uint8_t filling; /* FIFO_CTRL5 while it runs */
static bool fresh;      /* nothing was read since */

static bool found(void)
{
    uint8_t name;

    return ed_chip_read(chip, WHO_AM_I, &name, 1) && name == NAME;
}

static void end(void)
{
    (void)ed_chip_write(chip, FIFO_CTRL5, FIFO_OFF);
    (void)ed_chip_write(chip, CTRL1_XL, OFF);
    (void)ed_chip_write(chip, CTRL2_G, OFF);
}

/* With an empty FIFO. */
static bool begin_fifo(void)
{
    fresh = true;
    return ed_chip_write(chip, FIFO_CTRL5, FIFO_OFF) && ed_chip_write(chip, FIFO_CTRL5, filling);
}

static uint32_t begin(uint32_t rate_hz)
{
    for (const auto &rate : RATES) {
        if (rate.mhz < rate_hz * 1000u) {
            continue;
        }
        filling = static_cast<uint8_t>(rate.bits << 3 | FIFO_GOES_ON);
        return ed_chip_write(chip, CTRL3_C, BLOCK_UPDATE | ADDRESS_GROWS) &&
                       ed_chip_write(chip, FIFO_CTRL5, FIFO_OFF) &&
                       ed_chip_write(chip, FIFO_CTRL3, BOTH_IN_FIFO) &&
                       ed_chip_write(chip, CTRL1_XL,
                                     static_cast<uint8_t>(rate.bits << 4 | ACCELEROMETER_4_G)) &&
                       ed_chip_write(chip, CTRL2_G,
                                     static_cast<uint8_t>(rate.bits << 4 | GYROSCOPE_2000_DPS)) &&
                       begin_fifo()
                   ? rate.mhz
                   : 0;
    }
    return 0;
}

static int16_t turned(int16_t steps)
{
    const int32_t value = steps * TURN_UP / TURN_DOWN;

    return static_cast<int16_t>(value > INT16_MAX   ? INT16_MAX
                                : value < INT16_MIN ? INT16_MIN
                                                    : value);
}

/* One set out of the FIFO, the gyroscope's three words first. False where less than one waits. */
static bool take(uint8_t bytes[2 * ED_PORT_IMU_AXES])
{
    uint8_t status[2];

    return ed_chip_read(chip, FIFO_STATUS1, status, sizeof status) &&
           (status[0] | (status[1] & 7) << 8) >= ED_PORT_IMU_AXES &&
           ed_chip_read(chip, FIFO_DATA_OUT_L, bytes, 2 * ED_PORT_IMU_AXES);
}

static bool read(int16_t sample[ED_PORT_IMU_AXES])
{
    uint8_t bytes[2 * ED_PORT_IMU_AXES];

    /* "The first sample acquired must be discarded." */
    if (fresh && take(bytes)) {
        fresh = false;
    }
    if (fresh || !take(bytes)) {
        return false;
    }
    for (int axis = 0; axis < 3; axis++) {
        sample[axis] = ed_chip_word(bytes + 6 + 2 * axis);
        sample[3 + axis] = turned(ed_chip_word(bytes + 2 * axis));
    }
    return true;
}

/* A full FIFO begins anew: its 2,048 words are no whole number of sets, so which word is the oldest
 * is not known once it has written over some, and its 11 bits of a count say 0 (as seen on a sensor:
 * apache/nuttx, drivers/sensors/lsm6ds3trc_uorb.c). */
static bool overrun(void)
{
    uint8_t status[2];

    return ed_chip_read(chip, FIFO_STATUS1, status, sizeof status) && (status[1] & FULL) != 0 &&
           begin_fifo();
}

const ed_imu_sensor *ed_lsm6ds3(TwoWire *bus)
{
    static const ed_imu_sensor sensor = {found, begin, end, read, overrun};

    chip.bus = bus;
    return &sensor;
}
