/* Of the listener's lab (tests/firmware/listener.py, "mfcc"): silence, yes, no, go, stop; of three
 * results at least 0.55, and not silence. Scores are shares of 256. */
#include <stdbool.h>

#include "app/ed_decision.h"
#include "app/ed_show.h"
#include "check.h"
#include "ports/ed_port.h"

enum { SILENCE, YES, NO, GO, STOP, LABELS };
enum { HOLD_OFF = ED_APP_DECISION_HOLD_OFF, STRIDE_US = 30000 };

static const ed_model_tensor shares = {"scores", ED_DTYPE_INT8, 2,   {1, LABELS},
                                       LABELS,   0x1p-8f,       -128};

static unsigned calls; /* since the last look */
static char label[ED_PORT_LABEL_CHARS + 2];
static char score[16];
static unsigned colour;
static bool dark;
static uint64_t now_us;
static uint32_t frame;

void ed_port_show(const ed_port_shown *shown)
{
    calls++;
    dark = shown->label == NULL;
    CHECK(shown->level == 0);
    if (!dark) {
        (void)snprintf(label, sizeof label, "%s", shown->label);
        (void)snprintf(score, sizeof score, "%s", shown->score);
        colour = shown->colour;
    }
}

static unsigned shown_times(void)
{
    const unsigned times = calls;

    calls = 0;
    return times;
}

/* `count` results, each all for one label, `share` of 256. */
static void results(unsigned count, unsigned which, int share, const ed_model_tensor *output)
{
    for (; count != 0; count--) {
        int8_t scores[LABELS] = {-128, -128, -128, -128, -128};
        ed_decision made;
        bool heard;
        scores[which] = (int8_t)(share - 128);
        now_us += STRIDE_US;
        frame += 3;
        heard = ed_decision_put(output, scores, frame, &made);
        ed_show_decision(output, heard ? &made : NULL, now_us);
    }
}

static void begin(bool shown)
{
    ed_show_begin(shown);
    ed_decision_clear();
    (void)shown_times();
}

static void test_a_boot_is_dark(void)
{
    ed_show_reset();
    CHECK(shown_times() == 1 && dark);
    ed_show_begin(true);
    ed_show_end();
    CHECK(shown_times() == 0);
}

static void test_from_its_decision_until_it_has_not_held_for_three_seconds(void)
{
    begin(true);
    results(2, YES, 200, &shares);
    CHECK(shown_times() == 0);
    results(1, YES, 200, &shares);
    CHECK(shown_times() == 1 && !dark);
    CHECK(strcmp(label, "yes") == 0 && strcmp(score, "78 %") == 0 && colour == 0);
    /* It is decided again and again, and nothing changes: nothing is sent to a display. */
    results(20, YES, 200, &shares);
    CHECK(shown_times() == 0);
    /* The mean falls: with 200 + 200 + 0 of 768 it does not hold. */
    results(3000000 / STRIDE_US - 1, SILENCE, 200, &shares);
    CHECK(shown_times() == 0);
    results(1, SILENCE, 200, &shares);
    CHECK(shown_times() == 1 && dark);
    results(200, SILENCE, 200, &shares);
    CHECK(shown_times() == 0);
}

static void test_a_label_that_is_overtaken_does_not_hold(void)
{
    static const int8_t both[LABELS] = {-128, 122, 127, -128, -128};
    ed_decision made;

    begin(true);
    results(3, YES, 250, &shares);
    CHECK(shown_times() == 1);
    /* No has more, and the hold-off is never over: its frame is that of the decision. */
    for (uint64_t until = now_us + 3000000; now_us < until + 10 * STRIDE_US; now_us += STRIDE_US) {
        const bool heard = ed_decision_put(&shares, both, frame, &made);
        CHECK(!heard);
        ed_show_decision(&shares, NULL, now_us);
    }
    CHECK(shown_times() == 1 && dark);
}

static void test_another_one_takes_its_place(void)
{
    begin(true);
    results(3, YES, 200, &shares);
    results(3, STOP, 255, &shares);
    CHECK(shown_times() == 2 && !dark);
    CHECK(strcmp(label, "stop") == 0 && strcmp(score, "100 %") == 0 && colour == 3);
    results(5, STOP, 250, &shares);
    CHECK(shown_times() == 1 && strcmp(score, "98 %") == 0);
}

static void test_what_begins_anew_or_ends_is_dark(void)
{
    begin(true);
    results(3, NO, 200, &shares);
    CHECK(shown_times() == 1 && colour == 1);
    ed_show_begin(true);
    CHECK(shown_times() == 1 && dark);
    ed_decision_clear();
    results(3, NO, 200, &shares);
    CHECK(shown_times() == 1 && !dark);
    ed_show_end();
    CHECK(shown_times() == 1 && dark);
    results(100, NO, 200, &shares);
    CHECK(shown_times() == 0);
}

static void test_a_measurement_is_not_shown(void)
{
    begin(false);
    results(200, GO, 250, &shares);
    ed_show_end();
    CHECK(shown_times() == 0);
}

static void test_scores_that_are_no_shares_are_shown_as_they_are(void)
{
    const ed_model_tensor strengths = {"strength", ED_DTYPE_INT8, 2,   {1, LABELS},
                                       LABELS,     0x1p-5f,       -100};

    begin(true);
    results(3, GO, 200, &strengths);
    CHECK(shown_times() == 1 && strcmp(score, "5.375") == 0 && colour == 2);
}

int main(void)
{
    test_a_boot_is_dark();
    test_from_its_decision_until_it_has_not_held_for_three_seconds();
    test_a_label_that_is_overtaken_does_not_hold();
    test_another_one_takes_its_place();
    test_what_begins_anew_or_ends_is_dark();
    test_a_measurement_is_not_shown();
    test_scores_that_are_no_shares_are_shown_as_they_are();
    return 0;
}
