/* An Arduino board that is a program of this computer: what core/ declares for every board, done.
 *
 * Serial is standard input and output; the board ends where its input does. Sensors fill by the
 * clock of the system, from threads that noInterrupts() holds up, as it does interrupts.
 * ED_FAKE_SOUND names a file of int16 samples, silence behind them; ED_FAKE_MOTION one of sets of
 * six; ED_FAKE_PICTURES one of frames of a byte a pixel. ED_FAKE_CHIPS is a list of I2C addresses
 * that do not answer and, with a plus sign, of others where a chip does that does nothing else.
 * ED_FAKE_LED names a file that gets a 0 or a 1 each time the LED is switched, ED_FAKE_PINS one that
 * gets a line such as "13 255" each time any pin is.
 * ED_FAKE_DEEP is so many bytes of stack that sending takes for a moment. ED_FAKE_STALL, two
 * numbers: so many milliseconds after its start the sketch does nothing for so many.
 * With ED_FAKE_SLOW every clock of the board is so many times slower, so that a busy computer does
 * not make it late.
 */
#include <Arduino.h>
#include <Wire.h>
#include <alloca.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "fake.h"

/* -- the task that the sketch runs on -- */

/* At the stack's low end is what the system keeps for itself: RTX's mark in the lowest word; 64 bytes
 * with FreeRTOS's mark, and with what an ESP32-S3 watches. */
#if defined(ARDUINO_ARCH_ESP32)
static const size_t KEPT_WORDS = 16;
#else
static const size_t KEPT_WORDS = 1;
#endif
static const uint32_t KEPT = 0xE25A2EA5u;

alignas(4096) static uint32_t stack[1u << 18];

uint8_t *ed_fake_stack(size_t *bytes)
{
    *bytes = sizeof stack;
    return reinterpret_cast<uint8_t *>(stack);
}

/* As the systems do when they change tasks. */
static void look_at_stack()
{
    for (size_t i = 0; i < KEPT_WORDS; i++) {
        if (stack[i] != KEPT) {
            fprintf(stderr, "the stack was overrun\n");
            abort();
        }
    }
}

/* So much more stack for a moment. */
static void go_deep()
{
    static const char *const bytes = getenv("ED_FAKE_DEEP");

    if (bytes != nullptr) {
        const size_t size = strtoul(bytes, nullptr, 10);
        volatile char *const taken = static_cast<char *>(alloca(size));
        for (size_t i = 0; i < size; i++) {
            taken[i] = 1;
        }
    }
}

static void *run(void *)
{
    setup();
    for (;;) {
        loop();
    }
}

int main()
{
    pthread_attr_t attributes;
    pthread_t task;

    for (size_t i = 0; i < KEPT_WORDS; i++) {
        stack[i] = KEPT;
    }
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, sizeof stack) != 0 ||
        pthread_create(&task, &attributes, run, nullptr) != 0) {
        abort();
    }
    pthread_join(task, nullptr);
}

/* -- time and interrupts -- */

static pthread_mutex_t interrupt = PTHREAD_MUTEX_INITIALIZER;

static uint64_t slow()
{
    static const char *const times = getenv("ED_FAKE_SLOW");

    return times != nullptr ? strtoull(times, nullptr, 10) : 1;
}

uint64_t ed_fake_clock_us()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (static_cast<uint64_t>(now.tv_sec) * 1000000u +
            static_cast<uint64_t>(now.tv_nsec) / 1000u) /
           slow();
}

static const uint64_t boot_us = ed_fake_clock_us();

uint64_t ed_fake_uptime_us()
{
    return ed_fake_clock_us() - boot_us;
}

void ed_fake_sleep_us(uint64_t us)
{
    usleep(static_cast<useconds_t>(us * slow()));
}

unsigned long micros()
{
    return static_cast<uint32_t>(ed_fake_uptime_us()); /* 32 bits, as on the board */
}

unsigned long millis()
{
    return static_cast<uint32_t>(ed_fake_uptime_us() / 1000u);
}

/* Short waits are for the serial port, which is as fast as ever. */
void delay(unsigned long ms)
{
    usleep(static_cast<useconds_t>(ms * 1000u));
}

void delayMicroseconds(unsigned int us)
{
    usleep(us);
}

void ed_fake_stall()
{
    static const char *const when = getenv("ED_FAKE_STALL");
    static bool done;
    unsigned long long at_ms, for_ms;

    if (done || when == nullptr || sscanf(when, "%llu %llu", &at_ms, &for_ms) != 2 ||
        ed_fake_uptime_us() < at_ms * 1000u) {
        return;
    }
    done = true;
    ed_fake_sleep_us(for_ms * 1000u);
}

void noInterrupts()
{
    pthread_mutex_lock(&interrupt);
}

void interrupts()
{
    pthread_mutex_unlock(&interrupt);
}

static const char *const WAS_RESET = "ED_FAKE_WAS_RESET";

bool ed_fake_was_restarted()
{
    return getenv(WAS_RESET) != nullptr;
}

void ed_fake_restart()
{
    char self[] = "/proc/self/exe";
    char *const words[] = {self, nullptr};

    setenv(WAS_RESET, "1", 1);
    execv(self, words);
    abort();
}

/* -- the serial port -- */

size_t SerialPort::write(const uint8_t *bytes, size_t count)
{
    go_deep();
    look_at_stack();
    const ssize_t sent = ::write(STDOUT_FILENO, bytes, count);

    if (sent < 0) {
        _exit(0);
    }
    return static_cast<size_t>(sent);
}

/* -- the LED -- */

void pinMode(uint8_t, uint8_t)
{
}

static void set_pin(uint8_t pin, int value)
{
    const char *const path = getenv("ED_FAKE_PINS");

    if (path != nullptr) {
        std::ofstream(path, std::ios::app) << static_cast<int>(pin) << ' ' << value << '\n';
    }
}

void digitalWrite(uint8_t pin, uint8_t value)
{
    const char *const path = getenv("ED_FAKE_LED");

    if (path != nullptr && pin == LED_BUILTIN) {
        std::ofstream(path, std::ios::app) << (value == HIGH ? 1 : 0);
    }
    set_pin(pin, value == HIGH ? 255 : 0);
}

void analogWrite(uint8_t pin, int value)
{
    set_pin(pin, value);
}

/* -- what a sensor senses -- */

std::vector<uint8_t> ed_fake_file(const char *variable)
{
    const char *const path = getenv(variable);

    if (path == nullptr) {
        return {};
    }
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<int16_t> ed_fake_samples(const char *variable)
{
    const std::vector<uint8_t> bytes = ed_fake_file(variable);
    std::vector<int16_t> samples(bytes.size() / sizeof(int16_t));

    if (!samples.empty()) {
        memcpy(samples.data(), bytes.data(), samples.size() * sizeof(int16_t));
    }
    return samples;
}

/* -- the bus -- */

TwoWire Wire(0);
TwoWire Wire1(1);

static FakeChip *addressed; /* null: nothing answers */
static std::vector<uint8_t> written;
static size_t left;

bool ed_fake_answers(uint8_t address)
{
    const char *const changed = getenv("ED_FAKE_CHIPS");
    char text[8];

    snprintf(text, sizeof text, "%02x", address);
    return changed == nullptr || strstr(changed, text) == nullptr || ed_fake_added(address);
}

bool ed_fake_added(uint8_t address)
{
    const char *const changed = getenv("ED_FAKE_CHIPS");
    char text[8];

    snprintf(text, sizeof text, "+%02x", address);
    return changed != nullptr && strstr(changed, text) != nullptr;
}

static FakeChip *at(int bus, uint8_t address)
{
    return ed_fake_answers(address) ? ed_fake_chip(bus, address) : nullptr;
}

void FakeRegisters::write(const std::vector<uint8_t> &bytes)
{
    for (size_t i = 0; i < bytes.size(); i++) {
        if (i == 0) {
            place_ = bytes[0];
            continue;
        }
        set(place_, bytes[i]);
        place_ = after(place_);
    }
}

uint8_t FakeRegisters::read()
{
    const uint8_t byte = get(place_);

    place_ = after(place_);
    return byte;
}

uint8_t FakeRegisters::after(uint8_t address)
{
    return static_cast<uint8_t>(address + 1);
}

TwoWire::TwoWire(int number) : number_(number)
{
}

void TwoWire::begin()
{
}

void TwoWire::end()
{
}

void TwoWire::setClock(uint32_t)
{
}

void TwoWire::beginTransmission(uint8_t address)
{
    addressed = at(number_, address);
    written.clear();
}

size_t TwoWire::write(uint8_t byte)
{
    written.push_back(byte);
    return 1;
}

uint8_t TwoWire::endTransmission(bool)
{
    if (addressed == nullptr) {
        return 2; /* no acknowledgement of the address */
    }
    addressed->write(written);
    return 0;
}

size_t TwoWire::requestFrom(uint8_t address, size_t count)
{
    addressed = at(number_, address);
    left = addressed != nullptr ? count : 0;
    return left;
}

int TwoWire::read()
{
    if (left == 0) {
        return -1;
    }
    left--;
    return addressed->read();
}
