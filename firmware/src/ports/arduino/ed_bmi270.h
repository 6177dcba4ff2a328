/* Bosch BMI270, of the second revision of the Nano 33 BLE Sense. */
#ifndef ED_BMI270_H
#define ED_BMI270_H

#include <Wire.h>

#include "ports/arduino/ed_board.h"

/* The sensor on a bus; null where this build has no library for it. */
const ed_imu_sensor *ed_bmi270(TwoWire *bus);

#endif
