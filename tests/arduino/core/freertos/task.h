#ifndef ED_FAKE_TASK_H
#define ED_FAKE_TASK_H

#include <freertos/FreeRTOS.h>

typedef struct ed_fake_task *TaskHandle_t;

TickType_t xTaskGetTickCount(void);
void vTaskDelayUntil(TickType_t *woken, TickType_t ticks);
void vTaskDelete(TaskHandle_t task);
uint8_t *pxTaskGetStackStart(TaskHandle_t task); /* null: of the task that asks */
BaseType_t xTaskCreatePinnedToCore(void (*task)(void *), const char *name, uint32_t stack_bytes,
                                   void *given, UBaseType_t priority, TaskHandle_t *handle,
                                   BaseType_t core);

#endif
