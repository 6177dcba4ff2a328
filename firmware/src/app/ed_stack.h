/* How deep the stack has grown, by painting it. */
#ifndef ED_STACK_H
#define ED_STACK_H

#include <stdint.h>

/* Paint what of the stack is free now. Once a boot, as early as may be. */
void ed_stack_paint(void);

/* Bytes of stack used at most since the painting; 0 when the port does not know its stack. */
uint32_t ed_stack_peak(void);

#endif
