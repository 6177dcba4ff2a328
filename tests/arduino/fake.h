/* What the fake cores share: a board of theirs is a program of this computer.
 *
 * fake_core.cpp does what both of Arduino's cores have: serial port, clock, interrupts, LED, and the
 * I2C bus. fake_nano33.cpp and fake_xiao*.cpp are one board each, guarded by its core's macro, with
 * the chips on its bus and what only its core has.
 */
#ifndef ED_FAKE_H
#define ED_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include <vector>

/* Microseconds of the board's clock, from any moment on. */
uint64_t ed_fake_clock_us();

/* The same since the board started. */
uint64_t ed_fake_uptime_us();

/* For so long of the board's time, or a little longer. */
void ed_fake_sleep_us(uint64_t us);

/* The stack of the task that setup() runs on, from its low end. */
uint8_t *ed_fake_stack(size_t *bytes);
/* Called by the sketch's thread now and then: where it is due to be busy with something else. */
void ed_fake_stall();

/* Whether the program was started by ed_fake_restart(). */
bool ed_fake_was_restarted();
[[noreturn]] void ed_fake_restart();

/* The bytes of the file that an environment variable names; none where it is not set. */
std::vector<uint8_t> ed_fake_file(const char *variable);

/* The same as samples of 16 bits. */
std::vector<int16_t> ed_fake_samples(const char *variable);

/* A chip on an I2C bus: what a controller writes to it in one transmission, and bytes that it reads. */
class FakeChip
{
  public:
    virtual void write(const std::vector<uint8_t> &bytes) = 0;
    virtual uint8_t read() = 0;
};

/* One with registers, whose address comes first and grows by itself. */
class FakeRegisters : public FakeChip
{
  public:
    void write(const std::vector<uint8_t> &bytes) override;
    uint8_t read() override;

  protected:
    virtual uint8_t get(uint8_t address) = 0;
    virtual void set(uint8_t address, uint8_t value) = 0;
    virtual uint8_t after(uint8_t address);

  private:
    uint8_t place_ = 0;
};

/* Whether a chip is there: none that ED_FAKE_CHIPS names, by two hexadecimal digits, answers. */
bool ed_fake_answers(uint8_t address);

/* Whether ED_FAKE_CHIPS names it with a plus sign. */
bool ed_fake_added(uint8_t address);

/* A display of the XIAOML kit, whose SSD1306 answers at 0x3C. ED_FAKE_DISPLAY names a file that gets
 * what a person sees, each time it is switched on or off: 40 lines of 72 '#' and '.'. */
FakeChip *ed_fake_display();

/* The board's: the chip at an address of Wire (0) or Wire1 (1), null where none is. */
FakeChip *ed_fake_chip(int bus, uint8_t address);

/* Of the Nano: the chip on Wire, fake_ov7675.cpp. */
FakeChip *ed_fake_shield(uint8_t address);

#endif
