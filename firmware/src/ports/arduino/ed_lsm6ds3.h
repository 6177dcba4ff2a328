/* ST LSM6DS3TR-C, of the XIAOML kit. */
#ifndef ED_LSM6DS3_H
#define ED_LSM6DS3_H

#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_bus.h"

/* The sensor on a bus: it answers at 0x6A. */
const ed_imu_sensor *ed_lsm6ds3(TwoWire *bus);

#endif
