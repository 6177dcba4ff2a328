/* A Nano 33 BLE Sense of the first revision on the fake core: its chip's registers, the PDM
 * microphone, and an LSM9DS1 with its FIFO. */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

#include <PDM.h>
#include <poll.h>
#include <rtx_os.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "fake.h"
#include "ports/arduino/ed_board.h"

static const uint32_t CLOCK_MHZ = 64;

/* -- registers of the chip -- */

static NRF_POWER_Type power = {ed_fake_was_restarted() ? POWER_RESETREAS_SREQ_Msk : 0};
static CoreDebug_Type debug;
static DWT_Type watch;
NRF_POWER_Type *const NRF_POWER = &power;
CoreDebug_Type *const CoreDebug = &debug;

DWT_Type *ed_fake_dwt()
{
    const uint32_t running = CoreDebug_DEMCR_TRCENA_Msk;

    if ((debug.DEMCR & running) != 0 && (watch.CTRL & DWT_CTRL_CYCCNTENA_Msk) != 0) {
        watch.CYCCNT = static_cast<uint32_t>(ed_fake_uptime_us() * CLOCK_MHZ);
    }
    return &watch;
}

osThreadId_t osThreadGetId(void)
{
    static osRtxThread_t thread;
    size_t bytes;

    thread.stack_mem = ed_fake_stack(&bytes);
    thread.stack_size = static_cast<uint32_t>(bytes);
    return &thread;
}

void NVIC_SystemReset()
{
    ed_fake_restart();
}

/* -- the serial port: a host that is too fast has to wait -- */

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

    ed_fake_stall();
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
    const std::vector<int16_t> sound = ed_fake_samples("ED_FAKE_SOUND");
    const size_t count = buffer_bytes / sizeof(int16_t);
    const uint64_t since_us = ed_fake_clock_us();
    uint64_t begun = 0; /* samples before this buffer */

    while (listening) {
        const uint64_t due_us = since_us + (begun + count) * 1000000u / HEARD_HZ;
        if (ed_fake_clock_us() < due_us) {
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

/* -- the bus: an LSM9DS1 as its data sheet has it, and what only answers -- */

static const size_t FIFO_ROOM = 32;
static const double RATES_HZ[] = {0, 14.9, 59.5, 119, 238, 476, 952};

class Lsm9ds1 : public FakeRegisters
{
    uint8_t get(uint8_t address) override;
    void set(uint8_t address, uint8_t value) override;

    bool runs() const
    {
        return (registers_[0x23] & 2u) != 0 && registers_[0x2E] >> 5 == 6 &&
               registers_[0x10] >> 5 != 0;
    }

    /* Samples that wait; more than fit push the oldest out. */
    uint64_t stored()
    {
        const double rate_hz = RATES_HZ[(registers_[0x10] >> 5) % 7];
        uint64_t come;

        if (!runs()) {
            return 0;
        }
        come = static_cast<uint64_t>(static_cast<double>(ed_fake_clock_us() - since_us_) * rate_hz /
                                     1e6);
        if (come - taken_ > FIFO_ROOM) {
            taken_ = come - FIFO_ROOM;
            overrun_ = true;
        }
        return come - taken_;
    }

    int16_t value_of(size_t axis) const
    {
        const size_t at = static_cast<size_t>(taken_) * ED_PORT_IMU_AXES + axis;

        return at < motion_.size() ? motion_[at] : 0;
    }

    uint8_t registers_[256] = {};
    const std::vector<int16_t> motion_ = ed_fake_samples("ED_FAKE_MOTION");
    uint64_t since_us_ = 0;
    uint64_t taken_ = 0; /* samples read or lost since then */
    bool overrun_ = false;
};

uint8_t Lsm9ds1::get(uint8_t address)
{
    if (address == 0x0F) {
        return 0x68;
    }
    if (address == 0x2F) {
        const uint64_t waiting = stored();
        const uint8_t lost = overrun_ ? 1u << 6 : 0;
        overrun_ = false;
        return static_cast<uint8_t>(waiting | lost);
    }
    const bool turns = address >= 0x18 && address <= 0x1D,
               moves = address >= 0x28 && address <= 0x2D;
    if (turns || moves) {
        const size_t byte = static_cast<size_t>(address - (turns ? 0x18 : 0x28));
        const uint16_t word = static_cast<uint16_t>(value_of(byte / 2 + (turns ? 3 : 0)));
        if (address == 0x2D && stored() != 0) {
            taken_++; /* both were read */
        }
        return static_cast<uint8_t>(byte % 2 == 0 ? word : word >> 8);
    }
    return registers_[address];
}

void Lsm9ds1::set(uint8_t address, uint8_t value)
{
    const bool ran = runs();

    registers_[address] = value;
    if (runs() && !ran) {
        since_us_ = ed_fake_clock_us();
        taken_ = 0;
        overrun_ = false;
    }
}

/* A chip that only answers. */
class Quiet : public FakeRegisters
{
    uint8_t get(uint8_t) override
    {
        return 0;
    }

    void set(uint8_t, uint8_t) override
    {
    }
};

FakeChip *ed_fake_chip(int bus, uint8_t address)
{
    static Lsm9ds1 inertial;
    static Quiet quiet;
    static const uint8_t QUIET[] = {0x39, 0x5C, 0x5F}; /* APDS9960, LPS22HB, HTS221 */

    if (bus != 1) {
        return ed_fake_shield(address);
    }
    if (address == 0x6B) {
        return &inertial;
    }
    return ed_fake_added(address) || memchr(QUIET, address, sizeof QUIET) != nullptr ? &quiet
                                                                                     : nullptr;
}

#endif
