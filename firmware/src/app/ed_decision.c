#include "app/ed_decision.h"

#if ED_SENSES

enum { LABELS = ED_APP_LABELS, SMOOTH = ED_APP_DECISION_SMOOTH };

#if ED_APP_LABELS < 1 || ED_APP_DECISION_SMOOTH < 1
#error "a decision is for a label, and of at least one result"
#endif

static const uint8_t ignored[LABELS] = ED_APP_DECISION_IGNORED; /* 1: never decided */

static struct {
    int8_t last[SMOOTH][LABELS];
    int32_t sum[LABELS]; /* over `last`, as stored: exact, however many come and go */
    uint32_t next;       /* the oldest of `last`, once it is full */
    uint32_t count;      /* at most SMOOTH */
    uint32_t frame;      /* of the last decision */
    bool decided;        /* there was one */
    uint32_t held;       /* what would be decided but for the hold-off; LABELS: nothing */
} history;

void ed_decision_clear(void)
{
    history.next = 0;
    history.count = 0;
    history.decided = false;
    history.held = LABELS;
    for (uint32_t i = 0; i < LABELS; i++) {
        history.sum[i] = 0;
        for (uint32_t j = 0; j < SMOOTH; j++) {
            history.last[j][i] = 0;
        }
    }
}

/* Replace the oldest result; returns the label with the largest sum, the first of equal ones. */
static uint32_t add(const int8_t *scores)
{
    int8_t *oldest = history.last[history.next];
    uint32_t top = 0;

    for (uint32_t i = 0; i < LABELS; i++) {
        history.sum[i] += scores[i] - oldest[i];
        oldest[i] = scores[i];
        if (history.sum[i] > history.sum[top]) {
            top = i;
        }
    }
    history.next = history.next + 1 < SMOOTH ? history.next + 1 : 0;
    history.count += history.count < SMOOTH;
    return top;
}

bool ed_decision_put(const ed_model_tensor *output, const int8_t *scores, uint32_t frame,
                     ed_decision *made)
{
    const uint32_t hold_off = ED_APP_DECISION_HOLD_OFF;
    const uint32_t top = add(scores);
    const int32_t sum = history.sum[top] - SMOOTH * output->zero_point;
    /* docs/wire.md has this order: a host that follows it gets the same bits. */
    const float score = output->scale * (float)sum / (float)SMOOTH;

    history.held = LABELS;
    if (history.count < SMOOTH || ignored[top] != 0 || !(score >= ED_APP_DECISION_THRESHOLD)) {
        return false;
    }
    history.held = top;
    if (history.decided && frame - history.frame < hold_off) {
        return false;
    }
    history.decided = true;
    history.frame = frame;
    made->label = top;
    made->score = score;
    return true;
}

bool ed_decision_holds(uint32_t label)
{
    return history.held == label;
}

uint32_t ed_decision_colour(uint32_t label)
{
    uint32_t before = 0;

    for (uint32_t i = 0; i < label; i++) {
        before += ignored[i] == 0;
    }
    return LABELS == 1 ? 1 : before;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_decision_of_firmware_that_senses_only;

#endif
