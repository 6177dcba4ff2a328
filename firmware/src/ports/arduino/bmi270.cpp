/* The BMI270 runs only after 8 KiB of Bosch's microcode were loaded into it, which Arduino's library
 * brings along; so that library drives it (platformio.ini names its version). Without it a board of
 * the second revision has no inertial sensor, and says so.
 */
#include "ports/arduino/ed_bmi270.h"

#if __has_include(<Arduino_BMI270_BMM150.h>)

#include <Arduino_BMI270_BMM150.h>

/* The library sets 100 Hz; a model may want more. */
static const uint32_t RATE_MHZ = 200000;

class Bmi270 : public BoschSensorClass
{
  public:
    explicit Bmi270(TwoWire &bus) : BoschSensorClass(bus)
    {
    }

  protected:
    int8_t configure_sensor(struct bmi2_dev *device) override
    {
        struct bmi2_sens_config both[2];
        uint8_t kinds[2] = {BMI2_ACCEL, BMI2_GYRO};
        int8_t result;

        both[0].type = BMI2_ACCEL;
        both[1].type = BMI2_GYRO;
        result = BoschSensorClass::configure_sensor(device);
        if (result == BMI2_OK) {
            result = bmi2_get_sensor_config(both, 2, device);
        }
        if (result != BMI2_OK) {
            return result;
        }
        both[0].cfg.acc.odr = BMI2_ACC_ODR_200HZ;
        both[1].cfg.gyr.odr = BMI2_GYR_ODR_200HZ;
        result = bmi2_set_sensor_config(both, 2, device);
        return result == BMI2_OK ? bmi2_sensor_enable(kinds, 2, device) : result;
    }
};

static Bmi270 *driver;
static bool begun;

static bool found(void)
{
    return driver != nullptr;
}

static uint32_t begin(uint32_t rate_hz)
{
    if (!begun) {
        begun =
            driver->begin(BOSCH_ACCELEROMETER_ONLY) != 0; /* and the gyroscope: no magnetometer */
        driver->setContinuousMode();
    }
    return begun && rate_hz * 1000u <= RATE_MHZ ? RATE_MHZ : 0;
}

static void end(void)
{
    /* The library has no way to switch it off; its samples are left where they are. */
}

static int16_t steps(float value, float per_unit)
{
    const float scaled = value * per_unit;

    if (scaled >= 32767.0f) {
        return INT16_MAX;
    }
    if (scaled <= -32768.0f) {
        return INT16_MIN;
    }
    return static_cast<int16_t>(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
}

static bool read(int16_t sample[ED_PORT_IMU_AXES])
{
    float g[3], dps[3];

    if (driver->accelerationAvailable() <= 0 || driver->gyroscopeAvailable() <= 0 ||
        driver->readAcceleration(g[0], g[1], g[2]) == 0 ||
        driver->readGyroscope(dps[0], dps[1], dps[2]) == 0) {
        return false;
    }
    for (int axis = 0; axis < 3; axis++) {
        sample[axis] = steps(g[axis], 8192.0f);
        sample[3 + axis] = steps(dps[axis], 16.384f);
    }
    return true;
}

static bool overrun(void)
{
    return false; /* the library does not tell */
}

const ed_imu_sensor *ed_bmi270(TwoWire *bus)
{
    static const ed_imu_sensor sensor = {found, begin, end, read, overrun};
    static Bmi270 one(*bus);

    driver = &one;
    return &sensor;
}

#else

const ed_imu_sensor *ed_bmi270(TwoWire *)
{
    return nullptr;
}

#endif
