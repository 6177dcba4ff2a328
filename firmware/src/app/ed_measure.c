#include "app/ed_measure.h"

#include "model/ed_model.h"
#include "wire/ed_record.h"

enum { LAYERS = ED_MODEL_LAYERS > 0 ? ED_MODEL_LAYERS : 1 };

static const char *const keys[ED_PORT_COUNTERS] = {
    "us", "cycles", "cycles_board", "instructions", "energy_nj",
};

static ed_port_counts last;                     /* where the running layer began */
static uint32_t laps[LAYERS][ED_PORT_COUNTERS]; /* UINT32_MAX: too much to be kept */

static void keep(uint32_t layer, const ed_port_counts *now)
{
    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        const uint64_t spent = now->value[i] - last.value[i];
        laps[layer][i] = spent < UINT32_MAX ? (uint32_t)spent : UINT32_MAX;
    }
    last = *now;
}

static void lap(uint16_t layer)
{
    ed_port_counts now;

    if (layer + 1 < ED_MODEL_LAYERS) { /* the last one ends with the run */
        ed_port_counters(&now);
        keep(layer, &now);
    }
}

void ed_measure_invoke(bool layers, ed_port_counts *spent)
{
    ed_port_counts before;

    ed_port_counters(&before);
    if (layers) {
        last = before;
        ed_model_invoke(lap);
    } else {
        ed_model_invoke(0);
    }
    ed_port_counters(spent);
    if (layers) {
        keep(LAYERS - 1, spent);
    }
    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        spent->value[i] -= before.value[i];
    }
}

void ed_measure_report(const ed_port_counts *spent)
{
    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        if (((spent->known >> i) & 1u) != 0) {
            ed_record_u64(keys[i], spent->value[i]);
        }
    }
}

void ed_measure_report_layer(uint32_t layer)
{
    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        if (((last.known >> i) & 1u) != 0 && laps[layer][i] != UINT32_MAX) {
            ed_record_u64(keys[i], laps[layer][i]);
        }
    }
}

void ed_measure_report_counters(const char *key)
{
    static const char *const names[] = {"cycles", "cycles_board", "instructions", "energy"};
    ed_port_counts now;

    ed_port_counters(&now);
    ed_record_names(key, names, ED_PORT_COUNTERS - 1, now.known >> ED_PORT_CYCLES);
}
