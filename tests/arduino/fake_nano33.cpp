/* A Nano 33 BLE Sense that is a program of this computer: what core/ declares, done.
 *
 * Serial is standard input and output; the board ends where its input does. The microphone and the
 * inertial sensor's FIFO fill by the clock of the system, from threads that noInterrupts() holds
 * up, as it does interrupts. ED_FAKE_SOUND names a file of int16 samples, silence behind them;
 * ED_FAKE_MOTION one of sets of six. ED_FAKE_CHIPS is a list of I2C addresses that do not answer.
 * ED_FAKE_LED names a file that gets a 0 or a 1 each time the LED is switched.
 * With ED_FAKE_SLOW every clock of the board is so many times slower, so that a busy computer does
 * not make it late.
 */
#include <Arduino.h>
#include <PDM.h>
#include <Wire.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "ports/arduino/ed_board.h"

static const uint32_t CLOCK_MHZ = 64;

/* -- time and interrupts -- */

static pthread_mutex_t interrupt = PTHREAD_MUTEX_INITIALIZER;

static const uint64_t slow =
    getenv("ED_FAKE_SLOW") != nullptr ? strtoull(getenv("ED_FAKE_SLOW"), nullptr, 10) : 1;

static uint64_t clock_us()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (static_cast<uint64_t>(now.tv_sec) * 1000000u +
            static_cast<uint64_t>(now.tv_nsec) / 1000u) /
           slow;
}

static const uint64_t boot_us = clock_us();

unsigned long micros()
{
    return static_cast<uint32_t>(clock_us() - boot_us); /* 32 bits, as on the board */
}

unsigned long millis()
{
    return static_cast<uint32_t>((clock_us() - boot_us) / 1000u);
}

void delay(unsigned long ms)
{
    usleep(static_cast<useconds_t>(ms * 1000u));
}

void delayMicroseconds(unsigned int us)
{
    usleep(us);
}

void noInterrupts()
{
    pthread_mutex_lock(&interrupt);
}

void interrupts()
{
    pthread_mutex_unlock(&interrupt);
}

/* -- the serial port -- */

SerialPort Serial;

void SerialPort::begin(unsigned long)
{
}

/* One byte is read ahead: only so is it known whether there is one, or the end. */
static int ahead = -1;

int SerialPort::available()
{
    static bool ended;
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    uint8_t byte;

    if (ahead >= 0 || poll(&input, 1, 0) <= 0) {
        return ahead >= 0 ? 1 : 0;
    }
    if (::read(STDIN_FILENO, &byte, 1) == 1) {
        ahead = byte;
        return 1;
    }
    if (ended) {
        _exit(0); /* the host has gone, and what it said was carried out */
    }
    ended = true;
    return 0;
}

int SerialPort::read()
{
    const int byte = available() != 0 ? ahead : -1;

    ahead = -1;
    return byte;
}

size_t SerialPort::write(const uint8_t *bytes, size_t count)
{
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

void digitalWrite(uint8_t pin, uint8_t value)
{
    const char *const path = getenv("ED_FAKE_LED");

    if (path != nullptr && pin == LED_BUILTIN) {
        std::ofstream(path, std::ios::app) << (value == HIGH ? 1 : 0);
    }
}

/* -- registers of the chip -- */

static const char *const WAS_RESET = "ED_FAKE_WAS_RESET";
static NRF_POWER_Type power = {getenv(WAS_RESET) != nullptr ? POWER_RESETREAS_SREQ_Msk : 0};
static CoreDebug_Type debug;
static DWT_Type watch;
NRF_POWER_Type *const NRF_POWER = &power;
CoreDebug_Type *const CoreDebug = &debug;

DWT_Type *ed_fake_dwt()
{
    const uint32_t running = CoreDebug_DEMCR_TRCENA_Msk;

    if ((debug.DEMCR & running) != 0 && (watch.CTRL & DWT_CTRL_CYCCNTENA_Msk) != 0) {
        watch.CYCCNT = static_cast<uint32_t>((clock_us() - boot_us) * CLOCK_MHZ);
    }
    return &watch;
}

void NVIC_SystemReset()
{
    char self[] = "/proc/self/exe";
    char *const words[] = {self, nullptr};

    setenv(WAS_RESET, "1", 1);
    execv(self, words);
    abort();
}

/* -- what a sensor senses -- */

static std::vector<int16_t> recorded(const char *variable)
{
    const char *const path = getenv(variable);
    std::vector<int16_t> samples;

    if (path != nullptr) {
        std::ifstream file(path, std::ios::binary);
        int16_t sample;
        while (file.read(reinterpret_cast<char *>(&sample), sizeof sample)) {
            samples.push_back(sample);
        }
    }
    return samples;
}

/* -- the microphone: a buffer each time it is full, and the interrupt that says so -- */

PDMClass PDM;

static const uint32_t HEARD_HZ = 16000;
static std::thread listener;
static std::atomic<bool> listening;
static void (*received)(void);
static size_t buffer_bytes = 512;
static std::vector<int16_t> full;

static void listen()
{
    const std::vector<int16_t> sound = recorded("ED_FAKE_SOUND");
    const size_t count = buffer_bytes / sizeof(int16_t);
    const uint64_t since_us = clock_us();
    uint64_t begun = 0; /* samples before this buffer */

    while (listening) {
        const uint64_t due_us = since_us + (begun + count) * 1000000u / HEARD_HZ;
        if (clock_us() < due_us) {
            usleep(500);
            continue;
        }
        noInterrupts();
        full.assign(count, 0);
        for (size_t i = 0; i < count && begun + i < sound.size(); i++) {
            full[i] = sound[begun + i];
        }
        if (received != nullptr && listening) {
            received();
        }
        interrupts();
        begun += count;
    }
}

int PDMClass::begin(int channels, int rate_hz)
{
    if (channels != 1 || rate_hz != static_cast<int>(HEARD_HZ)) {
        return 0;
    }
    listening = true;
    listener = std::thread(listen);
    return 1;
}

void PDMClass::end()
{
    listening = false;
    if (listener.joinable()) {
        listener.join();
    }
}

int PDMClass::available()
{
    return static_cast<int>(full.size() * sizeof(int16_t));
}

int PDMClass::read(void *to, size_t bytes)
{
    const size_t count =
        bytes < full.size() * sizeof(int16_t) ? bytes : full.size() * sizeof(int16_t);

    memcpy(to, full.data(), count);
    full.clear();
    return static_cast<int>(count);
}

void PDMClass::onReceive(void (*called)(void))
{
    received = called;
}

void PDMClass::setBufferSize(int bytes)
{
    buffer_bytes = static_cast<size_t>(bytes);
}

/* -- the bus: an LSM9DS1 as its data sheet has it, and a barometer that only answers -- */

TwoWire Wire(0);
TwoWire Wire1(1);

static const uint8_t LSM9DS1 = 0x6B, LPS22HB = 0x5C;
static const size_t FIFO_ROOM = 32;
static const double RATES_HZ[] = {0, 14.9, 59.5, 119, 238, 476, 952};

static uint8_t registers[128];
static const std::vector<int16_t> motion = recorded("ED_FAKE_MOTION");
static uint64_t fifo_since_us;
static uint64_t fifo_taken; /* samples read or lost since then */
static bool fifo_overrun;

static bool fifo_runs()
{
    return (registers[0x23] & 2u) != 0 && registers[0x2E] >> 5 == 6 && registers[0x10] >> 5 != 0;
}

/* Samples that wait; more than fit push the oldest out. */
static uint64_t fifo_stored()
{
    const double rate_hz = RATES_HZ[(registers[0x10] >> 5) % 7];
    uint64_t come;

    if (!fifo_runs()) {
        return 0;
    }
    come = static_cast<uint64_t>(static_cast<double>(clock_us() - fifo_since_us) * rate_hz / 1e6);
    if (come - fifo_taken > FIFO_ROOM) {
        fifo_taken = come - FIFO_ROOM;
        fifo_overrun = true;
    }
    return come - fifo_taken;
}

static int16_t value_of(uint64_t sample, size_t axis)
{
    const size_t at = static_cast<size_t>(sample) * ED_PORT_IMU_AXES + axis;

    return at < motion.size() ? motion[at] : 0;
}

static uint8_t read_register(uint8_t address)
{
    if (address == 0x0F) {
        return 0x68;
    }
    if (address == 0x2F) {
        const uint64_t stored = fifo_stored();
        const uint8_t lost = fifo_overrun ? 1u << 6 : 0;
        fifo_overrun = false;
        return static_cast<uint8_t>(stored | lost);
    }
    const bool turns = address >= 0x18 && address <= 0x1D,
               moves = address >= 0x28 && address <= 0x2D;
    if (turns || moves) {
        const size_t byte = static_cast<size_t>(address - (turns ? 0x18 : 0x28));
        const uint16_t word =
            static_cast<uint16_t>(value_of(fifo_taken, byte / 2 + (turns ? 3 : 0)));
        if (address == 0x2D && fifo_stored() != 0) {
            fifo_taken++; /* both were read */
        }
        return static_cast<uint8_t>(byte % 2 == 0 ? word : word >> 8);
    }
    return registers[address];
}

static void write_register(uint8_t address, uint8_t value)
{
    const bool ran = fifo_runs();

    registers[address] = value;
    if (fifo_runs() && !ran) {
        fifo_since_us = clock_us();
        fifo_taken = 0;
        fifo_overrun = false;
    }
}

static uint8_t asked;
static std::vector<uint8_t> written;
static uint8_t place;
static size_t left;

static bool answers(uint8_t address)
{
    const char *const silent = getenv("ED_FAKE_CHIPS");
    char text[8];

    snprintf(text, sizeof text, "%02x", address);
    return (address == LSM9DS1 || address == LPS22HB) &&
           (silent == nullptr || strstr(silent, text) == nullptr);
}

TwoWire::TwoWire(int number) : number_(number)
{
}

void TwoWire::begin()
{
}

void TwoWire::setClock(uint32_t)
{
}

void TwoWire::beginTransmission(uint8_t address)
{
    asked = address;
    written.clear();
}

size_t TwoWire::write(uint8_t byte)
{
    written.push_back(byte);
    return 1;
}

uint8_t TwoWire::endTransmission(bool)
{
    if (number_ != 1 || !answers(asked)) {
        return 2; /* no acknowledgement of the address */
    }
    if (!written.empty()) {
        place = written[0] & 0x7Fu;
        for (size_t i = 1; i < written.size() && asked == LSM9DS1; i++) {
            write_register(place++, written[i]);
        }
    }
    return 0;
}

size_t TwoWire::requestFrom(uint8_t address, size_t count)
{
    left = number_ == 1 && answers(address) ? count : 0;
    return left;
}

int TwoWire::read()
{
    if (left == 0) {
        return -1;
    }
    left--;
    return read_register(place++);
}

int main()
{
    setup();
    for (;;) {
        loop();
    }
}
