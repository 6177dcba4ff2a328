/* Seeed Studio XIAO ESP32S3, its Sense, and the XIAOML kit, told apart by what answers. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <Wire.h>
#include <driver/i2s.h>
#include <esp_heap_caps.h>
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <freertos/task.h>

#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_bus.h"
#include "ports/arduino/ed_lsm6ds3.h"
#include "ports/arduino/ed_xiao_camera.h"

/* Seeed Studio Wiki, XIAO ESP32S3 Sense: the microphone's clock and data. */
static const int MICROPHONE_CLOCK = 42, MICROPHONE_DATA = 41;
static const uint32_t MICROPHONE_HZ = 16000;
/* Buffers that DMA fills in turn: while it is at one of them, 256 ms wait in the others. */
static const int DMA_BUFFERS = 17, DMA_SAMPLES = 256;
/* One for each buffer that is full, and another where an older one was dropped for it: 4 s. */
static const int DMA_EVENTS = 512;
/* Of each heap, for the core's own tasks while the rest is tried. */
static const size_t RESERVE_BYTES = 16 * 1024;

/* A piece of an upload, and a command behind it. */
static const uint32_t ROOM_BYTES = 2048, COMMAND_BYTES = 128;

/* The XIAOML kit's display. Displays that people wire on themselves have the address too. */
static const ed_chip SSD1306 = {&Wire, 0x3C};

/* At the low end of a stack. The chip watches 32 bytes of it, at a boundary of 32: who writes there
 * has overrun it, and is stopped (ESP-IDF 4.4, vPortSetStackWatchpoint; arduino-esp32 switches it on).
 * FreeRTOS has its own mark in what is left below. */
static const size_t WATCHED_BYTES = 64;

static const char *variant;
static uint32_t sensors;
static const ed_imu_sensor *imu;
static bool hears;
static QueueHandle_t happened; /* to DMA's buffers */

/* Microphone and camera are on one expansion board: who has the camera has both. The kit is told by
 * its inertial sensor with one other part of it: each of them alone may be one's own. */
static void tell_apart(void)
{
    const bool has_camera = ed_xiao_camera_found();

    imu = ed_lsm6ds3(&Wire);
    if (!imu->found()) {
        imu = nullptr;
    }
    if (imu != nullptr) {
        sensors |= ED_PORT_IMU;
    }
    if (has_camera) {
        sensors |= ED_PORT_MICROPHONE | ED_PORT_CAMERA;
    }
    if (imu != nullptr && (has_camera || ed_chip_answers(SSD1306))) {
        variant = "xiaoml";
    } else {
        variant = has_camera ? "sense" : "plain";
    }
}

void ed_board_init(void)
{
    static bool known;

    if (known) {
        return;
    }
    known = true;
    Wire.begin();
    Wire.setClock(400000);
    tell_apart();
}

void ed_board_serial_begin(void)
{
    /* What finds no room in the core's queue of 256 bytes is lost without a word (HWCDC.cpp, its
     * interrupt handler). The core has begun the port before setup(): the queue is made anew. */
    (void)Serial.setRxBufferSize(0);
    (void)Serial.setRxBufferSize(ROOM_BYTES + COMMAND_BYTES);
    Serial.begin(115200);
}

size_t ed_board_write(const uint8_t *bytes, size_t count, uint32_t wait_ms)
{
    const unsigned long since_ms = millis();
    size_t sent = 0;

    while (sent < count) {
        const int room = Serial.availableForWrite();
        if (room > 0) {
            const size_t left = count - sent, fits = static_cast<size_t>(room);
            sent += Serial.write(bytes + sent, left < fits ? left : fits);
        } else if (millis() - since_ms >= wait_ms) {
            break;
        } else {
            delay(1);
        }
    }
    return sent;
}

uint32_t ed_board_room(void)
{
    return ROOM_BYTES;
}

void ed_board_restart(void)
{
    ESP.restart();
}

ed_port_reset_reason ed_board_reset_reason(void)
{
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
        return ED_PORT_RESET_POWER;
    case ESP_RST_SW:
    case ESP_RST_EXT:
        return ED_PORT_RESET_COMMAND;
    case ESP_RST_BROWNOUT:
        return ED_PORT_RESET_BROWNOUT;
    default: /* esptool's, over USB, among them: ESP-IDF 4.4 has no name for it */
        return ED_PORT_RESET_UNKNOWN;
    }
}

uint32_t ed_board_cycles(void)
{
    return ESP.getCycleCount();
}

ed_port_stack_bounds ed_board_stack(void)
{
    uint8_t *const low = pxTaskGetStackStart(nullptr); /* of the task that asks */
    const ed_port_stack_bounds stack = {low + WATCHED_BYTES, low + getArduinoLoopTaskStackSize()};

    return stack;
}

void ed_board_led(bool on)
{
    pinMode(LED_BUILTIN, OUTPUT);
    digitalWrite(LED_BUILTIN, on ? LOW : HIGH); /* Seeed Studio Wiki: it is on at low */
}

uint8_t *ed_board_spare(uint32_t i, size_t *bytes)
{
    /* The RAM in the chip, and the 8 MB of PSRAM beside it. */
    static const uint32_t HEAPS[] = {MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT, MALLOC_CAP_SPIRAM};

    if (i >= sizeof HEAPS / sizeof HEAPS[0]) {
        return nullptr;
    }
    *bytes = heap_caps_get_largest_free_block(HEAPS[i]);
    if (*bytes <= RESERVE_BYTES) {
        return nullptr; /* a board without PSRAM ends here too */
    }
    *bytes = (*bytes - RESERVE_BYTES) & ~static_cast<size_t>(3);
    return static_cast<uint8_t *>(heap_caps_malloc(*bytes, HEAPS[i]));
}

void ed_board_give_back(uint8_t *spare)
{
    heap_caps_free(spare);
}

const char *ed_board_variant(void)
{
    return variant;
}

uint32_t ed_board_sensors(void)
{
    return sensors;
}

const ed_imu_sensor *ed_board_imu(void)
{
    return imu;
}

uint32_t ed_board_microphone_rate_hz(void)
{
    return (sensors & ED_PORT_MICROPHONE) != 0 ? MICROPHONE_HZ : 0;
}

void ed_board_microphone_begin(void)
{
    i2s_config_t config = {};
    i2s_pin_config_t pins = {};

    config.mode = static_cast<i2s_mode_t>(I2S_MODE_MASTER | I2S_MODE_RX | I2S_MODE_PDM);
    config.sample_rate = MICROPHONE_HZ;
    config.bits_per_sample = I2S_BITS_PER_SAMPLE_16BIT;
    config.channel_format = I2S_CHANNEL_FMT_ONLY_RIGHT;
    config.communication_format = I2S_COMM_FORMAT_STAND_I2S;
    config.dma_buf_count = DMA_BUFFERS;
    config.dma_buf_len = DMA_SAMPLES;
    pins.mck_io_num = I2S_PIN_NO_CHANGE;
    pins.bck_io_num = I2S_PIN_NO_CHANGE;
    pins.ws_io_num = MICROPHONE_CLOCK; /* which is the clock in PDM mode */
    pins.data_out_num = I2S_PIN_NO_CHANGE;
    pins.data_in_num = MICROPHONE_DATA;
    hears = i2s_driver_install(I2S_NUM_0, &config, DMA_EVENTS, &happened) == ESP_OK;
    if (hears && i2s_set_pin(I2S_NUM_0, &pins) != ESP_OK) {
        ed_board_microphone_end();
    }
}

void ed_board_microphone_end(void)
{
    if (hears) {
        (void)i2s_driver_uninstall(I2S_NUM_0);
        hears = false;
    }
}

uint32_t ed_board_microphone_poll(void)
{
    static int16_t samples[DMA_SAMPLES];
    i2s_event_t event;
    uint32_t lost = 0;
    size_t bytes = 0;

    while (hears && xQueueReceive(happened, &event, 0) == pdPASS) {
        lost += event.type == I2S_EVENT_RX_Q_OVF ? static_cast<uint32_t>(DMA_SAMPLES) : 0;
    }
    while (hears && i2s_read(I2S_NUM_0, samples, sizeof samples, &bytes, 0) == ESP_OK &&
           bytes != 0) {
        ed_microphone_put(samples, bytes / sizeof samples[0]);
    }
    return lost;
}

#endif
