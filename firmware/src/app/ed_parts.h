/* Commands that try a board's parts: docs/wire.md, "led" and "memory". */
#ifndef ED_PARTS_H
#define ED_PARTS_H

#include <stdbool.h>
#include <stddef.h>

/* Carry out a command, unless it is another's: false. */
bool ed_parts_execute(const char *name, char *const *words, size_t count);

#endif
