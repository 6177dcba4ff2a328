/* The commands of MLPerf Tiny: docs/wire.md, "MLPerf Tiny commands". */
#ifndef ED_MLPERF_H
#define ED_MLPERF_H

#include <stddef.h>

/* Forget an upload that is under way, and all results. */
void ed_mlperf_reset(void);

/* There is nothing that `results` could print any more: the outputs are being overwritten. */
void ed_mlperf_forget_results(void);

/* Carry out a command of at least one word; the caller sends "m-ready". */
void ed_mlperf_execute(char *const *words, size_t count);

#endif
