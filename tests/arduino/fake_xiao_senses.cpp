/* The expansion board of the XIAO ESP32S3 Sense on the fake core: ESP-IDF's I2S driver with the
 * microphone, and espressif/esp32-camera with an OV2640, both by the clock. With ED_FAKE_OV3660
 * it is an OV3660, whose pictures come upside down until it is told to flip them. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <driver/i2s.h>
#include <esp_camera.h>
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <stdlib.h>
#include <string.h>

#include <deque>

#include "fake.h"

static const esp_err_t INVALID_ARGUMENT = 0x102, INVALID_STATE = 0x103, NOT_FOUND = 0x105;

/* -- I2S: DMA fills one buffer after another; those that are full wait in a queue, which is one
 * shorter, as one is always being filled -- */

struct ed_fake_queue {
    std::deque<i2s_event_t> events;
    size_t room;
};

static const int CLOCK_PIN = 42, DATA_PIN = 41;

static bool installed;
static i2s_config_t i2s;
static std::vector<int16_t> sound; /* empty: silence */
static ed_fake_queue happened;
static uint64_t since_us;
static uint64_t filled; /* buffers since then */
static uint64_t oldest; /* of them, in the queue */
static size_t place;    /* samples read of the oldest */

static void tell(i2s_event_type_t type)
{
    if (happened.events.size() < happened.room) {
        happened.events.push_back({type, static_cast<size_t>(i2s.dma_buf_len) * sizeof(int16_t)});
    }
}

static void fill()
{
    const uint64_t samples = (ed_fake_clock_us() - since_us) * i2s.sample_rate / 1000000u,
                   due = samples / static_cast<uint64_t>(i2s.dma_buf_len);

    for (; installed && filled < due; filled++) {
        if (filled - oldest == static_cast<uint64_t>(i2s.dma_buf_count) - 1) {
            oldest++;
            place = 0;
            tell(I2S_EVENT_RX_Q_OVF);
        }
        tell(I2S_EVENT_RX_DONE);
    }
}

extern "C" {

esp_err_t i2s_driver_install(i2s_port_t, const i2s_config_t *config, int queue, void *handle)
{
    if (installed) {
        return INVALID_STATE;
    }
    if (config->mode != (I2S_MODE_MASTER | I2S_MODE_RX | I2S_MODE_PDM) ||
        config->bits_per_sample != I2S_BITS_PER_SAMPLE_16BIT || config->dma_buf_count < 2 ||
        config->dma_buf_count > 128 || config->dma_buf_len < 8 || config->dma_buf_len > 1024) {
        return INVALID_ARGUMENT;
    }
    i2s = *config;
    installed = true;
    sound.clear();
    happened = {{}, static_cast<size_t>(queue)};
    if (queue > 0) {
        *static_cast<QueueHandle_t *>(handle) = &happened;
    }
    since_us = ed_fake_clock_us();
    filled = oldest = place = 0;
    return ESP_OK;
}

esp_err_t i2s_driver_uninstall(i2s_port_t)
{
    if (!installed) {
        return INVALID_STATE;
    }
    installed = false;
    return ESP_OK;
}

esp_err_t i2s_set_pin(i2s_port_t, const i2s_pin_config_t *pins)
{
    if (!installed) {
        return INVALID_STATE;
    }
    if (pins->ws_io_num == CLOCK_PIN && pins->data_in_num == DATA_PIN) {
        sound = ed_fake_samples("ED_FAKE_SOUND");
    }
    return ESP_OK;
}

esp_err_t i2s_read(i2s_port_t, void *to, size_t size, size_t *bytes, uint32_t)
{
    const size_t length = static_cast<size_t>(i2s.dma_buf_len);

    if (!installed) {
        return INVALID_STATE;
    }
    fill();
    for (*bytes = 0; *bytes + sizeof(int16_t) <= size && oldest < filled;
         *bytes += sizeof(int16_t)) {
        const size_t at = static_cast<size_t>(oldest) * length + place;
        const int16_t sample = at < sound.size() ? sound[at] : 0;
        memcpy(static_cast<uint8_t *>(to) + *bytes, &sample, sizeof sample);
        if (++place == length) {
            place = 0;
            oldest++;
        }
    }
    return ESP_OK;
}
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *to, TickType_t)
{
    fill();
    if (queue->events.empty()) {
        return 0;
    }
    memcpy(to, &queue->events.front(), sizeof(i2s_event_t));
    queue->events.pop_front();
    return pdPASS;
}

/* -- the camera: the newest frame that is whole waits, until the next one takes its place -- */

static const uint8_t SCCB_ADDRESS = 0x30;
static const uint64_t FRAME_US = 20000, PATIENCE_US = 4000000;

static const struct {
    framesize_t size;
    size_t width, height;
} SIZES[] = {
    {FRAMESIZE_96X96, 96, 96},   {FRAMESIZE_QQVGA, 160, 120},   {FRAMESIZE_QCIF, 176, 144},
    {FRAMESIZE_HQVGA, 240, 176}, {FRAMESIZE_240X240, 240, 240}, {FRAMESIZE_QVGA, 320, 240},
};

static camera_fb_t frame;
static std::vector<uint8_t> pixels, pictures;
static uint64_t begun_us;
static bool upside_down;
static uint64_t taken; /* frames that were taken or written over */

static int set_vflip(sensor_t *sensor, int enable)
{
    upside_down = (sensor->id.PID == OV3660_PID) != (enable != 0);
    return 0;
}

extern "C" {

sensor_t *esp_camera_sensor_get(void)
{
    static sensor_t sensor = {{0x7F, 0xA2, OV2640_PID, 0x42}, set_vflip};

    sensor.id.PID = getenv("ED_FAKE_OV3660") != nullptr ? OV3660_PID : OV2640_PID;
    return frame.buf != nullptr ? &sensor : nullptr;
}

esp_err_t esp_camera_init(const camera_config_t *config)
{
    if (!ed_fake_answers(SCCB_ADDRESS) || config->pin_sccb_sda != 40 ||
        config->pin_sccb_scl != 39) {
        return NOT_FOUND;
    }
    if (config->pixel_format != PIXFORMAT_GRAYSCALE || config->grab_mode != CAMERA_GRAB_LATEST ||
        config->fb_count != 2 || frame.buf != nullptr) {
        return INVALID_ARGUMENT;
    }
    for (const auto &each : SIZES) {
        if (each.size == config->frame_size) {
            pixels.assign(each.width * each.height, 0);
            frame = {pixels.data(), pixels.size(), each.width, each.height, PIXFORMAT_GRAYSCALE};
        }
    }
    set_vflip(esp_camera_sensor_get(), 0);
    pictures = ed_fake_file("ED_FAKE_PICTURES");
    begun_us = ed_fake_clock_us();
    taken = 0;
    return ESP_OK;
}

esp_err_t esp_camera_deinit(void)
{
    frame.buf = nullptr;
    return ESP_OK;
}

camera_fb_t *esp_camera_fb_get(void)
{
    const uint64_t since = ed_fake_clock_us();
    uint64_t whole = 0;

    while ((whole = (ed_fake_clock_us() - begun_us) / FRAME_US) <= taken) {
        if (ed_fake_clock_us() - since > PATIENCE_US) {
            return nullptr;
        }
        ed_fake_sleep_us(200);
    }
    taken = whole;
    /* The last frame stays where no more are recorded. */
    const size_t have = pictures.size() / pixels.size(),
                 at = whole <= have ? static_cast<size_t>(whole) - 1 : have - 1;
    for (size_t row = 0; have != 0 && row < frame.height; row++) {
        const size_t from = upside_down ? frame.height - 1 - row : row;
        memcpy(pixels.data() + row * frame.width,
               pictures.data() + at * pixels.size() + from * frame.width, frame.width);
    }
    return &frame;
}

void esp_camera_fb_return(camera_fb_t *)
{
    /* It is filled anew only when it is taken again. */
}
}

#endif
