/* Hexadecimal text, and what a fault says. */
#include "bare.h"

void ed_write_hex32(uint32_t value)
{
    char text[9];
    for (uint32_t i = 0; i < 8u; ++i) {
        text[i] = "0123456789abcdef"[(value >> (28u - 4u * i)) & 15u];
    }
    text[8] = '\0';
    ed_write(text);
}

void ed_report_fault(const uint32_t *frame, uint32_t cause)
{
    ed_write("fault cfsr=");
    ed_write_hex32(cause);
    ed_write(" pc=");
    ed_write_hex32(frame[6]);
    ed_write("\n");
    ed_exit(1);
}
