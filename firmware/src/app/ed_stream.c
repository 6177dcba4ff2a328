#include "app/ed_stream.h"

#include "app/ed_source.h"

#if ED_APP_SOURCE != ED_SOURCE_NONE

#include "app/ed_input.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_show.h"
#include "app/ed_state.h"
#include "ports/ed_port.h"
#include "wire/ed_record.h"

#ifndef ED_APP_SUPPLY_MV
#define ED_APP_SUPPLY_MV 0 /* not known: no current can be told from energy */
#endif

enum { POWER_PERIOD_US = 100000 };

static struct {
    bool on;
    bool power;    /* the board has a meter */
    uint32_t want; /* results to give, 0: no end */
    ed_source_progress progress;
    uint64_t power_due_us;
    uint64_t power_us; /* the last ed-power, or the stream's begin */
    uint64_t power_nj;
} stream;

void ed_stream_reset(void)
{
    stream.on = false;
}

ed_status ed_stream_start(uint32_t results)
{
    ed_port_counts now;

    ed_port_counters(&now);
    stream.progress.results = 0;
    stream.progress.overruns = 0;
    stream.progress.at = 0;
    if (ed_source_begin(&stream.progress, now.value[ED_PORT_US]) != ED_OK) {
        return ED_MISSING;
    }
    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_state_reset();
    ed_show_begin(results == 0);
    stream.on = true;
    stream.want = results;
    stream.power_us = now.value[ED_PORT_US];
    stream.power_due_us = stream.power_us + POWER_PERIOD_US;
    stream.power_nj = now.value[ED_PORT_ENERGY_NJ];
    stream.power = ED_APP_SUPPLY_MV != 0 && ((now.known >> ED_PORT_ENERGY_NJ) & 1u) != 0;
    return ED_OK;
}

void ed_stream_stop(void)
{
    if (stream.on) {
        stream.on = false;
        ed_source_end();
        ed_show_end();
        ed_record_begin("stream");
        ed_record_text("state", "off");
        ed_record_u64("n", stream.progress.results);
        ed_record_end();
    }
}

bool ed_stream_is_on(void)
{
    return stream.on;
}

uint32_t ed_stream_left(void)
{
    return stream.want != 0 ? stream.want - stream.progress.results : UINT32_MAX;
}

static void report_power(void)
{
    ed_port_counts now;
    float us;
    float nj;

    ed_port_counters(&now);
    us = (float)(uint32_t)(now.value[ED_PORT_US] - stream.power_us);
    nj = (float)(uint32_t)(now.value[ED_PORT_ENERGY_NJ] - stream.power_nj);
    ed_record_begin("power");
    ed_record_u64("t_us", now.value[ED_PORT_US]);
    /* nJ / us = mW, and 10^6 mW / mV = uA. */
    ed_record_u64("current_ua", (uint32_t)(nj * 1e6f / (us * ED_APP_SUPPLY_MV) + 0.5f));
    ed_record_u64("voltage_mv", ED_APP_SUPPLY_MV);
    ed_record_u64("energy_nj", now.value[ED_PORT_ENERGY_NJ]);
    ed_record_end();
    stream.power_us = now.value[ED_PORT_US];
    stream.power_nj = now.value[ED_PORT_ENERGY_NJ];
}

void ed_stream_step(void)
{
    const uint64_t now_us = ed_port_time_us();
    uint64_t next_us;

    if (stream.power && now_us >= stream.power_due_us) {
        report_power();
        while (stream.power_due_us <= now_us) {
            stream.power_due_us += POWER_PERIOD_US;
        }
    }
    if (ed_source_step(&stream.progress, now_us, &next_us)) {
        if (stream.want != 0 && stream.progress.results == stream.want) {
            ed_stream_stop();
        }
        return;
    }
    if (stream.power && stream.power_due_us < next_us) {
        next_us = stream.power_due_us;
    }
    ed_port_wait_timed((uint32_t)(next_us - now_us));
}

#else

void ed_stream_reset(void)
{
}

ed_status ed_stream_start(uint32_t results)
{
    (void)results;
    return ED_MISSING;
}

void ed_stream_stop(void)
{
}

bool ed_stream_is_on(void)
{
    return false;
}

void ed_stream_step(void)
{
}

#endif
