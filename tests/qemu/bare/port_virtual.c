/* Text by the virtual board's serial port, and a panic as the end. docs/virtual_board.md. */
#include "bare.h"

#define SYSTEM_PANIC (*(volatile uint32_t *)0xA0000014u)
#define SERIAL_TX_ADDR (*(volatile uint32_t *)0xA0002010u)
#define SERIAL_TX_SEND (*(volatile uint32_t *)0xA0002014u)

void ed_write(const char *text)
{
    uint32_t bytes = 0;
    while (text[bytes] != '\0') {
        ++bytes;
    }
    SERIAL_TX_ADDR = (uint32_t)text;
    SERIAL_TX_SEND = bytes;
}

void ed_exit(int code)
{
    SYSTEM_PANIC = (uint32_t)code;
    for (;;) {
    }
}

void ed_counter_start(void)
{
    /* The board counts always. */
}
