#ifndef ED_FAKE_QUEUE_H
#define ED_FAKE_QUEUE_H

#include <freertos/FreeRTOS.h>

typedef struct ed_fake_queue *QueueHandle_t;

BaseType_t xQueueReceive(QueueHandle_t queue, void *to, TickType_t ticks);

#endif
