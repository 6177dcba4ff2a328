/* When results are a decision: smoothed, above a threshold, not too soon after the last one. */
#ifndef ED_DECISION_H
#define ED_DECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "app/ed_source.h"
#include "model/ed_model.h"

#if ED_SENSES

typedef struct {
    uint32_t label;
    float score; /* the mean of the last ED_APP_DECISION_SMOOTH results' real values */
} ed_decision;

/* No results, and no decision before. */
void ed_decision_clear(void);

/* Take a result: `scores` [ED_APP_LABELS] int8, quantized as `output` says, and the number of
 * frames sensed before it, which only grows (modulo 2^32). Returns whether it makes a decision, then in *made. */
bool ed_decision_put(const ed_model_tensor *output, const int8_t *scores, uint32_t frame,
                     ed_decision *made);

/* Whether the results that were taken last speak for `label` as a decision's do, were it not for the
 * time since the last decision. */
bool ed_decision_holds(uint32_t label);

/* Which one a label is of those that can be decided, from 0. A label that is alone stands for
 * something wrong: it is 1, as the second of several. */
uint32_t ed_decision_colour(uint32_t label);

#endif

#endif
