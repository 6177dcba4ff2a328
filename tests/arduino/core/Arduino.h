/* As much of an Arduino core's declarations as our port uses, written from the cores' published
 * reference (Arduino language reference; arduino-esp32 2.0; CMSIS for the nRF52840). Declares only:
 * tests compile the port against it, and fake_*.cpp beside it says what a board does. */
#ifndef ED_FAKE_ARDUINO_H
#define ED_FAKE_ARDUINO_H

#include <stddef.h>
#include <stdint.h>

void setup();
void loop();

unsigned long millis();
unsigned long micros();
void delay(unsigned long ms);
void delayMicroseconds(unsigned int us);
void noInterrupts();
void interrupts();

#define LOW 0x0
#define HIGH 0x1
#if defined(ARDUINO_ARCH_ESP32)
#define INPUT 0x01
#define OUTPUT 0x03
#define LED_BUILTIN 21 /* lit when low */
#else
#define INPUT 0x0
#define OUTPUT 0x1
#define INPUT_PULLUP 0x2
#define INPUT_PULLDOWN 0x3
#define LED_BUILTIN 13
#define LEDR 22 /* these three are lit when low */
#define LEDG 23
#define LEDB 24
static const uint8_t A0 = 14, A1 = 15, A4 = 18, A5 = 19;
#endif
void pinMode(uint8_t pin, uint8_t mode);
int digitalRead(uint8_t pin);
void digitalWrite(uint8_t pin, uint8_t value);
void analogWrite(uint8_t pin, int value);

class SerialPort
{
  public:
    void begin(unsigned long baud);
    int available();
    int read();
    size_t write(const uint8_t *bytes, size_t count);
#if defined(ARDUINO_ARCH_ESP32)
    int availableForWrite();
    size_t setRxBufferSize(size_t bytes);
#endif
};
extern SerialPort Serial;

#if defined(ARDUINO_ARDUINO_NANO33BLE)

struct NRF_POWER_Type {
    volatile uint32_t RESETREAS;
};
struct CoreDebug_Type {
    volatile uint32_t DEMCR;
};
struct DWT_Type {
    volatile uint32_t CTRL;
    volatile uint32_t CYCCNT;
};
extern NRF_POWER_Type *const NRF_POWER;
extern CoreDebug_Type *const CoreDebug;
DWT_Type *ed_fake_dwt(); /* counts while it is looked at */
#define DWT (ed_fake_dwt())
struct NRF_GPIO_Type {
    volatile const uint32_t IN;
};
NRF_GPIO_Type *ed_fake_gpio(int port); /* a moment later at each look */
#define NRF_P0 (ed_fake_gpio(0))
#define NRF_P1 (ed_fake_gpio(1))
struct NRF_I2S_Type {
    volatile uint32_t TASKS_START, TASKS_STOP, ENABLE;
    struct {
        volatile uint32_t MODE, MCKEN, MCKFREQ;
    } CONFIG;
    struct {
        volatile uint32_t MCK;
    } PSEL;
};
extern NRF_I2S_Type *const NRF_I2S;
#define POWER_RESETREAS_RESETPIN_Msk (1u << 0)
#define POWER_RESETREAS_SREQ_Msk (1u << 2)
#define CoreDebug_DEMCR_TRCENA_Msk (1u << 24)
#define DWT_CTRL_CYCCNTENA_Msk (1u << 0)
[[noreturn]] void NVIC_SystemReset();

#endif

#if defined(ARDUINO_ARCH_ESP32)

class EspClass
{
  public:
    [[noreturn]] void restart();
    uint32_t getCycleCount();
};
extern EspClass ESP;
void *ps_malloc(size_t bytes);
size_t getArduinoLoopTaskStackSize(); /* bytes */

#endif

#endif
