/* Declarations of FreeRTOS as ESP-IDF 4.4 has it. */
#ifndef ED_FAKE_FREERTOS_H
#define ED_FAKE_FREERTOS_H

#include <stdint.h>

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
#define pdPASS 1
#define portMAX_DELAY 0xFFFFFFFFu
#define pdMS_TO_TICKS(ms) (static_cast<TickType_t>(ms))

#endif
