#include "app/ed_measure.h"

#include "app/ed_state.h"
#include "model/ed_model.h"
#include "wire/ed_record.h"

static const char *const keys[ED_PORT_COUNTERS] = {
    "us", "cycles", "cycles_board", "instructions", "energy_nj",
};

/* bounds[i]: where layer i began and layer i - 1 ended. Whole snapshots, with nothing computed
 * between the layers: what a lap costs is part of the next layer's figures. */
static ed_port_counts bounds[ED_MODEL_LAYERS + 1];

static void lap(uint16_t layer)
{
    if (layer + 1 < ED_MODEL_LAYERS) { /* the last one ends with the run */
        ed_port_counters(&bounds[layer + 1]);
    }
}

static void subtract(const ed_port_counts *end, const ed_port_counts *begin, ed_port_counts *spent)
{
    spent->known = end->known;
    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        spent->value[i] = end->value[i] - begin->value[i];
    }
}

void ed_measure_invoke(bool layers, ed_port_counts *spent)
{
    const ed_model_lap each = layers ? lap : 0;
    ed_port_counts *const end = layers ? &bounds[ED_MODEL_LAYERS] : spent;

    ed_port_counters(&bounds[0]);
    ed_model_invoke(each);
    ed_port_counters(end);
    ed_state_step();
    subtract(end, &bounds[0], spent);
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
    ed_port_counts spent;

    subtract(&bounds[layer + 1], &bounds[layer], &spent);
    ed_measure_report(&spent);
}

void ed_measure_report_counters(const char *key)
{
    static const char *const names[] = {"cycles", "cycles_board", "instructions", "energy"};
    ed_port_counts now;

    ed_port_counters(&now);
    ed_record_names(key, names, ED_PORT_COUNTERS - 1, now.known >> ED_PORT_CYCLES);
}
