/* Calls of QEMU's Xtensa simulator (target/xtensa/xtensa-semi.c): 1 exit, 3 read, 4 write. */
#ifndef ED_SIMULATOR_H
#define ED_SIMULATOR_H

#include <stdint.h>

int32_t ed_simcall(int32_t number, int32_t a, int32_t b, int32_t c);

#endif
