/* The commands of MLPerf Tiny: docs/wire.md, "MLPerf Tiny commands". */
#ifndef ED_MLPERF_H
#define ED_MLPERF_H

#include <stddef.h>

/* Forget a `db load` that is under way. */
void ed_mlperf_reset(void);

/* Carry out a command of at least one word; the caller sends "m-ready". */
void ed_mlperf_execute(char *const *words, size_t count);

#endif
