/* Arduino Nano 33 BLE and its Sense, both revisions of each, told apart by what answers on the board's
 * own bus. The core's variant.cpp has switched the sensors and their bus on before setup(). */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include <PDM.h>
#include <Wire.h>
#include <rtx_os.h>
#include <stdlib.h>

#include "ports/arduino/ed_bmi270.h"
#include "ports/arduino/ed_board.h"
#include "ports/arduino/ed_bus.h"
#include "ports/arduino/ed_lsm9ds1.h"
#include "ports/arduino/ed_ov7675.h"

/* What kits/nano33/kit.yaml says is on the boards' own bus, beside the LSM9DS1: the first two on every
 * Sense, HTS221 on its first revision, HS3003 on its second, BMI270 on the second of both boards. */
static const ed_chip APDS9960 = {&Wire1, 0x39}, LPS22HB = {&Wire1, 0x5C};
static const ed_chip HTS221 = {&Wire1, 0x5F}, HS3003 = {&Wire1, 0x44};
static const ed_chip BMI270 = {&Wire1, 0x68};

/* nRF52840 Product Specification, Memory: of which the heap is a part. */
static const size_t RAM_BYTES = 256 * 1024;
/* Of the heap, for the core's own threads while the rest is tried. */
static const size_t RESERVE_BYTES = 4096;

static const uint32_t MICROPHONE_HZ = 16000;
static const int PDM_BYTES = 512; /* a callback each 16 ms */

static ed_port_reset_reason reason = ED_PORT_RESET_UNKNOWN;
static const char *variant;
static uint32_t sensors;
static const ed_imu_sensor *imu;
static bool hears;

/* nRF52840 Product Specification, POWER, RESETREAS: bits are set and stay until 1 is written. */
static ed_port_reset_reason read_reason(void)
{
    const uint32_t bits = NRF_POWER->RESETREAS;

    NRF_POWER->RESETREAS = bits;
    if (bits == 0) {
        return ED_PORT_RESET_POWER; /* or a brownout, which it does not tell apart */
    }
    return (bits & (POWER_RESETREAS_SREQ_Msk | POWER_RESETREAS_RESETPIN_Msk)) != 0
               ? ED_PORT_RESET_COMMAND
               : ED_PORT_RESET_UNKNOWN;
}

/* Several chips are asked, so that a dead one does not make it another board. A microphone has no
 * address: who has another part of the Sense has it. */
static void tell_apart(void)
{
    const bool has_hts221 = ed_chip_answers(HTS221);
    const bool has_hs3003 = ed_chip_answers(HS3003);
    const bool has_bmi270 = ed_chip_answers(BMI270);
    const bool is_sense =
        has_hts221 || has_hs3003 || ed_chip_answers(LPS22HB) || ed_chip_answers(APDS9960);

    const ed_imu_sensor *const lsm9ds1 = ed_lsm9ds1(&Wire1);
    const bool has_lsm9ds1 = lsm9ds1->found();
    const bool is_first = has_lsm9ds1 || has_hts221;
    const bool is_second = has_bmi270 || has_hs3003;

    if (has_lsm9ds1) {
        imu = lsm9ds1;
    } else if (has_bmi270) {
        imu = ed_bmi270(&Wire1); /* null without its library */
    }
    if (imu != nullptr) {
        sensors |= ED_PORT_IMU;
    }
    if (is_sense) {
        sensors |= ED_PORT_MICROPHONE;
    }
    if (is_first && !is_second) {
        variant = is_sense ? "sense" : "ble";
    } else if (is_second && !is_first) {
        variant = is_sense ? "sense_rev2" : "ble_rev2";
    } /* else nothing answers that tells the revision, or what no board has together */
}

void ed_board_init(void)
{
    static bool known;

    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk; /* the core has cleared it */
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
    if (known) {
        return;
    }
    known = true;
    reason = read_reason();
    Wire1.begin();
    Wire1.setClock(400000);
    tell_apart();
    if (ed_ov7675_found()) {
        sensors |= ED_PORT_CAMERA;
    }
}

void ed_board_serial_begin(void)
{
    Serial.begin(115200);
}

size_t ed_board_write(const uint8_t *bytes, size_t count, uint32_t)
{
    /* The core waits for a host that has the port open, and takes nothing where none has. */
    return Serial.write(bytes, count);
}

uint32_t ed_board_room(void)
{
    return 0; /* the core takes the next packet when the last one was read (USBCDC.cpp) */
}

void ed_board_restart(void)
{
    NVIC_SystemReset();
}

ed_port_reset_reason ed_board_reset_reason(void)
{
    return reason;
}

uint32_t ed_board_cycles(void)
{
    return DWT->CYCCNT;
}

ed_port_stack_bounds ed_board_stack(void)
{
    /* The lowest word is RTX's, by which it sees that a stack was too small (rtx_os.h). */
    const osRtxThread_t *const thread = static_cast<const osRtxThread_t *>(osThreadGetId());
    uint8_t *const low = static_cast<uint8_t *>(thread->stack_mem);
    const ed_port_stack_bounds stack = {low + sizeof(uint32_t), low + thread->stack_size};

    return stack;
}

void ed_board_led(bool on)
{
    pinMode(LED_BUILTIN, OUTPUT);
    digitalWrite(LED_BUILTIN, on ? HIGH : LOW);
}

uint8_t *ed_board_spare(uint32_t i, size_t *bytes)
{
    /* mbed's heap does not tell how large a block may be: it is asked for less and less. */
    for (*bytes = RAM_BYTES; i == 0 && *bytes >= 1024; *bytes -= 1024) {
        void *const spare = malloc(*bytes + RESERVE_BYTES);
        if (spare != nullptr) {
            return static_cast<uint8_t *>(realloc(spare, *bytes));
        }
    }
    return nullptr;
}

void ed_board_give_back(uint8_t *spare)
{
    free(spare);
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

/* Called from the PDM interrupt. */
static void received(void)
{
    static int16_t samples[PDM_BYTES / 2];
    const int bytes = PDM.read(samples, sizeof samples);

    if (bytes > 0) {
        ed_microphone_put(samples, static_cast<size_t>(bytes) / sizeof samples[0]);
    }
}

void ed_board_microphone_begin(void)
{
    PDM.onReceive(received);
    PDM.setBufferSize(PDM_BYTES);
    hears = PDM.begin(1, static_cast<int>(MICROPHONE_HZ)) != 0;
}

void ed_board_microphone_end(void)
{
    if (hears) {
        PDM.end();
        hears = false;
    }
}

uint32_t ed_board_microphone_poll(void)
{
    return 0; /* the interrupt has done it, and is never too late */
}

#endif
