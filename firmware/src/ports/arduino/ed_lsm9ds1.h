/* ST LSM9DS1, of the Nano 33 BLE and of the first revision of its Sense. */
#ifndef ED_LSM9DS1_H
#define ED_LSM9DS1_H

#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_bus.h"

/* The sensor on a bus: its accelerometer and gyroscope answer at 0x6B. */
const ed_imu_sensor *ed_lsm9ds1(TwoWire *bus);

#endif
