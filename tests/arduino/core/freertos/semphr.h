#ifndef ED_FAKE_SEMPHR_H
#define ED_FAKE_SEMPHR_H

#include <freertos/FreeRTOS.h>

typedef struct ed_fake_semaphore *SemaphoreHandle_t;

SemaphoreHandle_t xSemaphoreCreateMutex(void);
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);

#endif
