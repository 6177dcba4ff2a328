/* What a bare-metal test image has to talk with: text out, and an end. */
#ifndef ED_BARE_H
#define ED_BARE_H

#include <stdint.h>

/* Text up to its zero byte, to whoever runs the image. */
void ed_write(const char *text);

/* The end: 0 for success. Does not return. */
void ed_exit(int code);

/* Called on any exception. frame: r0-r3, r12, lr, pc, xpsr; cause: CFSR. */
void ed_report_fault(const uint32_t *frame, uint32_t cause);

/* Make whatever ed_measure() reads run. */
void ed_counter_start(void);

void ed_write_hex32(uint32_t value);

void ed_main(void);

#endif
