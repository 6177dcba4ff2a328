/* What the model put out, for people and for the record. */
#ifndef ED_RESULTS_H
#define ED_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the outputs are those of a run that the host asked for. They are no longer once
 * something is written to the inputs, or the stream runs. */
void ed_results_keep(void);
void ed_results_forget(void);
bool ed_results_are_there(void);

/* "m-results-[a,b,...]": all outputs as real numbers with three decimals. */
void ed_results_print(void);

/* All outputs as `ed-out` records, at most ED_WIRE_OUT_BYTES each. */
void ed_results_record(void);

/* CRC-32 over all outputs, in order. */
uint32_t ed_results_crc(void);

/* The index of the largest element of output 0, the first of equal ones; its real value in
 * *value. What is not a number is never the largest. */
uint32_t ed_results_top(float *value);

#endif
