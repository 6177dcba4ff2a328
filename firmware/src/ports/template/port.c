/* A port to copy: to ports/<your board>/, then fill in from the top.
 *
 * It compiles as it stands and links with app/ and wire/, and is a board that never hears
 * anything; docs/wire.md says what a host will send. When it answers `hello%`, it is done.
 * What your board cannot do, leave as it is here: what is not known is absent from the records.
 */
#include "ports/ed_port.h"

#include "app/ed_app.h"

void ed_port_init(void)
{
    /* Clocks, the serial port (115200 baud where it has a rate), the counters. Called again after
     * an ed_port_reset() that returns. */
}

size_t ed_port_read(uint8_t *to, size_t limit)
{
    /* Move what has come to `to`, at most `limit` bytes, and say how many. Never wait. Between
     * two calls an inference may pass (seconds): the receive buffer, or flow control, must hold
     * what comes meanwhile; a command is at most 81 bytes. */
    (void)to;
    (void)limit;
    return 0;
}

uint32_t ed_port_room(void)
{
    /* 0 for USB that makes the host wait; for a UART what its ring holds. */
    return 0;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    /* May wait for room in the send buffer, but not for ever: without a host, drop. */
    (void)bytes;
    (void)count;
}

uint64_t ed_port_time_us(void)
{
    /* 64 bits: extend a 32-bit timer by counting its overflows, here, since this is called at
     * least once a wait. */
    return 0;
}

void ed_port_counters(ed_port_counts *now)
{
    /* On Cortex-M: DWT->CYCCNT, extended to 64 bits, as ED_PORT_CYCLES_BOARD, since the
     * silicon's cycles have its wait states in them. Set the bits of what you count. */
    const ed_port_counts only_time = {{ed_port_time_us(), 0, 0, 0, 0}, 1u << ED_PORT_US};

    *now = only_time;
}

void ed_port_wait(uint32_t us)
{
    /* Sleep (WFI, delay, select) until a byte comes, at most `us`; ED_PORT_FOREVER has no end. To
     * return at once is right as well, but wastes power. */
    (void)us;
}

void ed_port_wait_timed(uint32_t us)
{
    /* On a board with a real clock the same as ed_port_wait(). */
    ed_port_wait(us);
}

void ed_port_reset(void)
{
    /* On Cortex-M: NVIC_SystemReset(). Where that is impossible, remember the reason and return. */
}

ed_port_reset_reason ed_port_boot_reason(void)
{
    /* From the chip's reset register (nRF52840: POWER->RESETREAS), before anything clears it. */
    return ED_PORT_RESET_UNKNOWN;
}

const char *ed_port_variant(void)
{
    /* Where one program runs on boards that differ: ask their chips at start, never a #define. */
    return NULL;
}

ed_port_stack_bounds ed_port_stack(void)
{
    /* From your linker script's symbols. Only of the stack that ed_app_run() runs on: with an
     * RTOS that is the task's. */
    const ed_port_stack_bounds unknown = {NULL, NULL};

    return unknown;
}

bool ed_port_led(bool on)
{
    /* One pin; mind the boards whose LED is on at low. */
    (void)on;
    return false;
}

void ed_port_show(const ed_port_shown *shown)
{
    /* An LED that is on where there is a label, and as bright as `level` where there is none. */
    (void)shown;
}

ed_port_memory ed_port_spare(uint32_t i)
{
    /* The largest free block of each heap, or what lies behind the last variable. */
    const ed_port_memory none = {NULL, NULL};

    (void)i;
    return none;
}

uint32_t ed_port_sensors(void)
{
    /* What is soldered to it: ED_PORT_MICROPHONE | ED_PORT_IMU ... */
    return 0;
}

uint32_t ed_port_microphone_rate_hz(void)
{
    /* Leave this and the next five as they are on a board without a microphone. With a PDM one:
     * DMA into two halves of a buffer, and an interrupt that copies them into a ring of samples. */
    return 0;
}

void ed_port_microphone_start(void)
{
}

void ed_port_microphone_stop(void)
{
}

uint32_t ed_port_microphone_waiting(void)
{
    return 0;
}

size_t ed_port_microphone_read(int16_t *to, size_t limit)
{
    (void)to;
    (void)limit;
    return 0;
}

uint32_t ed_port_microphone_lost(void)
{
    return 0;
}

bool ed_port_imu_start(uint32_t rate_hz)
{
    /* Leave this and the next four as they are on a board without an inertial sensor. With one: its
     * own FIFO if it has one, or its data-ready interrupt, into a ring of samples; scaled to the
     * units of ed_port.h, whatever range it runs at. */
    (void)rate_hz;
    return false;
}

void ed_port_imu_stop(void)
{
}

uint32_t ed_port_imu_waiting(void)
{
    return 0;
}

size_t ed_port_imu_read(int16_t (*to)[ED_PORT_IMU_AXES], size_t limit)
{
    (void)to;
    (void)limit;
    return 0;
}

uint32_t ed_port_imu_lost(void)
{
    return 0;
}

bool ed_port_camera_start(uint32_t width, uint32_t height, uint32_t period_ms)
{
    /* Leave this and the next four as they are on a board without a camera. With one: DMA into two
     * frames in turn, so that one is whole while the other is taken. */
    (void)width;
    (void)height;
    (void)period_ms;
    return false;
}

void ed_port_camera_stop(void)
{
}

bool ed_port_camera_waiting(void)
{
    return false;
}

bool ed_port_camera_read(uint8_t *to)
{
    (void)to;
    return false;
}

uint32_t ed_port_camera_lost(void)
{
    return 0;
}

/* An Arduino sketch calls ed_app_run() from setup(); it never returns. */
int main(void)
{
    ed_app_run();
    return 0;
}
