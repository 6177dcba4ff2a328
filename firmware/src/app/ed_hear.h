/* The commands of firmware that senses: docs/wire.md, "Sensing". */
#ifndef ED_HEAR_H
#define ED_HEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "app/ed_source.h"

#if ED_SENSES

/* Carry out `hear`, `forget`, `decide` or `window`. Returns whether it was one of them. */
bool ed_hear_execute(const char *name, char *const *words, size_t count);

#endif

#endif
