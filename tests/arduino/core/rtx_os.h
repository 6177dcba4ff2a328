/* Declarations of CMSIS-RTOS2 and its kernel RTX5, as ArduinoCore-mbed has them: the thread that runs. */
#ifndef ED_FAKE_RTX_OS_H
#define ED_FAKE_RTX_OS_H

#include <stdint.h>

#define osRtxStackMagicWord 0xE25A2EA5u

typedef void *osThreadId_t;

typedef struct osRtxThread_s {
    void *stack_mem;
    uint32_t stack_size;
} osRtxThread_t;

extern "C" osThreadId_t osThreadGetId(void);

#endif
