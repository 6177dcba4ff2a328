/* A XIAO ESP32S3 on the fake core: restart, cycle counter, heaps, FreeRTOS and its USB port. The
 * chips of an XIAOML kit are in fake_lsm6ds3.cpp and fake_xiao_senses.cpp; where ED_FAKE_CHIPS names
 * the inertial sensor (6a) it is a XIAO ESP32S3 Sense, and with the camera (30) a plain one. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <esp_heap_caps.h>
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>
#include <freertos/task.h>
#include <pthread.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <thread>

#include "fake.h"

static const uint32_t CLOCK_MHZ = 240;

/* -- the chip -- */

EspClass ESP;

void EspClass::restart()
{
    ed_fake_restart();
}

uint32_t EspClass::getCycleCount()
{
    return static_cast<uint32_t>(ed_fake_uptime_us() * CLOCK_MHZ);
}

extern "C" esp_reset_reason_t esp_reset_reason(void)
{
    return ed_fake_was_restarted() ? ESP_RST_SW : ESP_RST_POWERON;
}

/* -- the heaps: what a sketch of this size leaves of the chip's RAM, and the PSRAM beside it -- */

static const size_t INTERNAL_BYTES = 160 * 1024, SPIRAM_BYTES = 8 * 1024 * 1024 - 4096;

extern "C" {

size_t heap_caps_get_largest_free_block(uint32_t caps)
{
    return (caps & MALLOC_CAP_SPIRAM) != 0 ? SPIRAM_BYTES : INTERNAL_BYTES;
}

void *heap_caps_malloc(size_t size, uint32_t caps)
{
    return size <= heap_caps_get_largest_free_block(caps) ? malloc(size) : nullptr;
}

void heap_caps_free(void *ptr)
{
    free(ptr);
}
}

void *ps_malloc(size_t bytes)
{
    return heap_caps_malloc(bytes, MALLOC_CAP_SPIRAM);
}

/* -- FreeRTOS: tasks are threads, a tick is a millisecond -- */

struct ed_fake_semaphore {
    std::mutex mutex;
};

struct Task {
    void (*run)(void *);
    void *given;
};

static void *begin(void *given)
{
    const Task task = *static_cast<Task *>(given);

    delete static_cast<Task *>(given);
    task.run(task.given);
    abort(); /* a task must delete itself */
}

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
    return new ed_fake_semaphore;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t)
{
    semaphore->mutex.lock();
    return pdPASS;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    semaphore->mutex.unlock();
    return pdPASS;
}

TickType_t xTaskGetTickCount(void)
{
    return static_cast<TickType_t>(ed_fake_uptime_us() / 1000u);
}

void vTaskDelayUntil(TickType_t *woken, TickType_t ticks)
{
    *woken += ticks;
    while (static_cast<int32_t>(*woken - xTaskGetTickCount()) > 0) {
        ed_fake_sleep_us(500);
    }
}

void vTaskDelete(TaskHandle_t)
{
    pthread_exit(nullptr);
}

BaseType_t xTaskCreatePinnedToCore(void (*task)(void *), const char *, uint32_t, void *given,
                                   UBaseType_t, TaskHandle_t *, BaseType_t)
{
    pthread_t thread;

    if (pthread_create(&thread, nullptr, begin, new Task{task, given}) != 0) {
        return 0;
    }
    pthread_detach(thread);
    return pdPASS;
}

uint8_t *pxTaskGetStackStart(TaskHandle_t)
{
    size_t bytes;

    return ed_fake_stack(&bytes);
}

size_t getArduinoLoopTaskStackSize()
{
    size_t bytes;

    (void)ed_fake_stack(&bytes);
    return bytes;
}

/* -- the USB port of the chip: what finds no room in the core's queue is lost -- */

SerialPort Serial;

static const size_t PACKET_BYTES = 64;
static std::mutex guard; /* of all below */
static std::deque<uint8_t> queue;
static size_t room = 256;
static bool gone; /* the host has closed its side */

static void receive()
{
    uint8_t packet[PACKET_BYTES];
    ssize_t count;

    while ((count = ::read(STDIN_FILENO, packet, sizeof packet)) > 0) {
        const std::lock_guard<std::mutex> held(guard);
        for (ssize_t i = 0; i < count && queue.size() < room; i++) {
            queue.push_back(packet[i]);
        }
    }
    const std::lock_guard<std::mutex> held(guard);
    gone = true;
}

void SerialPort::begin(unsigned long)
{
    static bool begun;

    if (!begun) {
        begun = true;
        std::thread(receive).detach();
    }
}

size_t SerialPort::setRxBufferSize(size_t bytes)
{
    const std::lock_guard<std::mutex> held(guard);

    queue.clear();
    room = bytes;
    return bytes;
}

int SerialPort::available()
{
    static bool ended;

    ed_fake_stall();
    const std::lock_guard<std::mutex> held(guard);
    if (queue.empty() && gone) {
        if (ended) {
            _exit(0); /* the host has gone, and what it said was carried out */
        }
        ended = true;
    }
    return static_cast<int>(queue.size());
}

int SerialPort::read()
{
    const std::lock_guard<std::mutex> held(guard);

    if (queue.empty()) {
        return -1;
    }
    const int byte = queue.front();
    queue.pop_front();
    return byte;
}

int SerialPort::availableForWrite()
{
    struct pollfd output = {STDOUT_FILENO, POLLOUT, 0};

    return poll(&output, 1, 0) > 0 ? static_cast<int>(PACKET_BYTES) : 0;
}

#endif
