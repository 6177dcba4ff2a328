/* Frames are taken by a task on the core that does not infer, into two buffers in turn: the newest
 * whole one waits, and is not torn while it is read. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <esp_camera.h>
#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>
#include <freertos/task.h>
#include <string.h>

#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_xiao_camera.h"

/* Seeed Studio Wiki, XIAO ESP32S3 Sense, camera: the pins of its connector. */
static camera_config_t settings(framesize_t size)
{
    camera_config_t config = {};

    config.pin_pwdn = -1;
    config.pin_reset = -1;
    config.pin_xclk = 10;
    config.pin_sccb_sda = 40;
    config.pin_sccb_scl = 39;
    config.pin_d7 = 48;
    config.pin_d6 = 11;
    config.pin_d5 = 12;
    config.pin_d4 = 14;
    config.pin_d3 = 16;
    config.pin_d2 = 18;
    config.pin_d1 = 17;
    config.pin_d0 = 15;
    config.pin_vsync = 38;
    config.pin_href = 47;
    config.pin_pclk = 13;
    /* For both sensors that are fitted, as in esp32-camera's README and the vendor's examples. At 16 MHz
     * that driver writes to the PSRAM in another way, which it calls experimental. */
    config.xclk_freq_hz = 20000000;
    config.ledc_timer = LEDC_TIMER_0;
    config.ledc_channel = LEDC_CHANNEL_0;
    config.pixel_format = PIXFORMAT_GRAYSCALE;
    config.frame_size = size;
    config.fb_count = 2;
    config.fb_location = CAMERA_FB_IN_PSRAM;
    config.grab_mode = CAMERA_GRAB_LATEST;
    return config;
}

static const struct {
    uint16_t width, height;
    framesize_t size;
} SIZES[] = {
    {96, 96, FRAMESIZE_96X96},   {160, 120, FRAMESIZE_QQVGA},   {176, 144, FRAMESIZE_QCIF},
    {240, 176, FRAMESIZE_HQVGA}, {240, 240, FRAMESIZE_240X240}, {320, 240, FRAMESIZE_QVGA},
};

static const uint32_t FRAME_BYTES_MOST = 320 * 240;
static const uint32_t TASK_STACK_BYTES = 4096;
static const BaseType_t OTHER_CORE = 0; /* the sketch runs on core 1 */

static uint8_t *frames[2];
static SemaphoreHandle_t guard; /* of all below */
static int newest;              /* of `frames`; -1: none waits */
static uint32_t lost;

static volatile bool wanted;
static volatile bool running;
static uint32_t frame_bytes;
static uint32_t every_ms;

static void take(void *)
{
    TickType_t woken = xTaskGetTickCount();

    while (wanted) {
        camera_fb_t *const taken = esp_camera_fb_get();
        if (taken != nullptr) {
            if (taken->len == frame_bytes) {
                xSemaphoreTake(guard, portMAX_DELAY);
                const int to = newest == 0 ? 1 : 0;
                memcpy(frames[to], taken->buf, frame_bytes);
                lost += newest >= 0 ? 1 : 0;
                newest = to;
                xSemaphoreGive(guard);
            }
            esp_camera_fb_return(taken);
        }
        vTaskDelayUntil(&woken, pdMS_TO_TICKS(every_ms));
    }
    running = false;
    vTaskDelete(nullptr);
}

/* An OV3660 gives its rows from the lowest on unless told otherwise, an OV2640 from the uppermost: so
 * arduino-esp32's example CameraWebServer, which Seeed's wiki follows. */
static void upright(void)
{
    sensor_t *const sensor = esp_camera_sensor_get();

    if (sensor != nullptr && sensor->id.PID == OV3660_PID) {
        (void)sensor->set_vflip(sensor, 1);
    }
}

bool ed_xiao_camera_found(void)
{
    const camera_config_t config = settings(FRAMESIZE_96X96);

    if (esp_camera_init(&config) != ESP_OK) {
        return false;
    }
    (void)esp_camera_deinit();
    return true;
}

extern "C" {

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    ed_port_camera_stop();
    for (const auto &each : SIZES) {
        const camera_config_t config = settings(each.size);
        if (each.width != width || each.height != height || period_ms == 0) {
            continue;
        }
        for (auto &frame : frames) {
            frame = frame != nullptr ? frame : static_cast<uint8_t *>(ps_malloc(FRAME_BYTES_MOST));
        }
        guard = guard != nullptr ? guard : xSemaphoreCreateMutex();
        if (frames[0] == nullptr || frames[1] == nullptr || guard == nullptr ||
            esp_camera_init(&config) != ESP_OK) {
            return false;
        }
        upright();
        frame_bytes = width * height;
        every_ms = period_ms;
        newest = -1;
        lost = 0;
        wanted = running = true;
        if (xTaskCreatePinnedToCore(take, "ed_camera", TASK_STACK_BYTES, nullptr, 1, nullptr,
                                    OTHER_CORE) != pdPASS) {
            wanted = running = false;
            (void)esp_camera_deinit();
            return false;
        }
        return true;
    }
    return false;
}

void ed_port_camera_stop(void)
{
    if (!running) {
        return;
    }
    wanted = false;
    while (running) {
        delay(1);
    }
    (void)esp_camera_deinit();
}

bool ed_port_camera_waiting(void)
{
    bool found;

    if (!running) {
        return false;
    }
    xSemaphoreTake(guard, portMAX_DELAY);
    found = newest >= 0;
    xSemaphoreGive(guard);
    return found;
}

bool ed_port_camera_read(uint8_t *to)
{
    bool found;

    if (!running) {
        return false;
    }
    xSemaphoreTake(guard, portMAX_DELAY);
    found = newest >= 0;
    if (found) {
        memcpy(to, frames[newest], frame_bytes);
        newest = -1;
    }
    xSemaphoreGive(guard);
    return found;
}

uint32_t ed_port_camera_lost(void)
{
    return lost;
}
}

#endif
