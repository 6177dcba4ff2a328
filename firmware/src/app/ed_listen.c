#include "app/ed_listen.h"

#if ED_LISTEN

#include "app/ed_decision.h"
#include "app/ed_input.h"
#include "app/ed_measure.h"
#include "app/ed_mlperf.h"
#include "app/ed_results.h"
#include "app/ed_state.h"
#include "app/ed_window.h"
#include "model/ed_model.h"
#include "ports/ed_port.h"
#include "wire/ed_crc.h"
#include "wire/ed_record.h"
#include "wire/ed_text.h"

static struct {
    bool ready;
    uint32_t results; /* since the window was cleared */
    uint64_t dsp_us;  /* for features since the last result */
    uint32_t expected; /* bytes that the host is to send to the room */
    int16_t room[ED_LISTEN_SAMPLES];
} listen;

void ed_listen_reset(void)
{
    listen.ready = ed_window_init() == ED_OK;
    if (listen.ready) {
        ed_listen_forget();
    }
}

bool ed_listen_is_ready(void)
{
    return listen.ready;
}

void ed_listen_describe(void)
{
    ed_record_begin("audio");
    ed_record_text("kind", ED_APP_AUDIO_KIND);
    ed_record_u64("rate_hz", ED_APP_AUDIO_RATE_HZ);
    ed_record_u64("frame", ED_APP_AUDIO_FRAME_SAMPLES);
    ed_record_u64("hop", ED_APP_AUDIO_HOP_SAMPLES);
    ed_record_u64("fft", ED_APP_AUDIO_FFT);
    ed_record_u64("mel", ED_APP_AUDIO_MEL_BINS);
    ed_record_u64("bins", ED_APP_AUDIO_BINS);
    ed_record_u64("frames", ED_APP_AUDIO_FRAMES);
    ed_record_u64("stride", ED_APP_AUDIO_STRIDE);
    ed_record_hex32("threshold_bits", ed_text_float_bits(ED_APP_DECISION_THRESHOLD));
    ed_record_u64("smooth", ED_APP_DECISION_SMOOTH);
    ed_record_u64("hold_off", ED_APP_DECISION_HOLD_OFF);
    ed_record_end();
}

void ed_listen_forget(void)
{
    ed_state_reset();
    ed_window_clear();
    ed_decision_clear();
    listen.results = 0;
    listen.dsp_us = 0;
}

int16_t *ed_listen_room(void)
{
    return listen.room;
}

void ed_listen_expect(uint32_t bytes)
{
    listen.expected = bytes;
}

uint8_t *ed_listen_at(size_t offset, size_t *length)
{
    *length = listen.expected - offset;
    return (uint8_t *)listen.room + offset; /* every board of ours is little-endian, as sound is */
}

uint32_t ed_listen_crc(void)
{
    return ed_crc32(0, listen.room, listen.expected);
}

void ed_listen_hear(uint32_t count)
{
    const uint64_t begun_us = ed_port_time_us();

    ed_window_put(listen.room, count);
    listen.dsp_us += ed_port_time_us() - begun_us;
}

void ed_listen_infer(const ed_listen_losses *losses)
{
    const ed_model_tensor *output = &ed_model.output[0];
    const uint64_t begun_us = ed_port_time_us();
    ed_port_counts spent;
    ed_decision made;
    uint64_t ready_us;
    uint64_t done_us;
    uint64_t end_us;
    uint32_t top;
    float top_value;
    bool heard;

    ed_input_forget();
    ed_mlperf_reset();
    ed_results_forget();
    ed_window_copy(ed_model_input(0), 0, ED_WINDOW_BYTES);
    ready_us = ed_port_time_us();
    ed_measure_invoke(false, &spent);
    done_us = ed_port_time_us();
    top = ed_results_top(&top_value);
    heard =
        losses != NULL && ed_decision_put(output, ed_model_output(0), ed_window_frames(), &made);
    end_us = ed_port_time_us();

    ed_record_begin("result");
    ed_record_u64("n", listen.results);
    ed_record_u64("t_us", begun_us);
    ed_record_u64("dsp_us", listen.dsp_us + (ready_us - begun_us));
    ed_record_u64("inference_us", spent.value[ED_PORT_US]);
    ed_record_u64("post_us", end_us - done_us);
    ed_record_u64("overruns", losses != NULL ? losses->overruns : 0);
    ed_record_u64("lost", losses != NULL ? losses->lost : 0);
    spent.known &= ~(1u << ED_PORT_US); /* that is inference_us */
    ed_measure_report(&spent);
    ed_record_u64("top", top);
    ed_record_hex32("top_bits", ed_text_float_bits(top_value));
    if (output->bytes <= ED_WIRE_OUT_BYTES) {
        ed_record_hex("out", ed_model_output(0), output->bytes);
    }
    if (heard) {
        ed_record_u64("heard", made.label);
        ed_record_hex32("score_bits", ed_text_float_bits(made.score));
    }
    ed_record_end();
    listen.results++;
    listen.dsp_us = 0;
}

void ed_listen_show_window(void)
{
    int8_t part[ED_WIRE_OUT_BYTES];
    uint32_t crc = 0;

    for (uint32_t offset = 0; offset < ED_WINDOW_BYTES; offset += ED_WIRE_OUT_BYTES) {
        const uint32_t left = ED_WINDOW_BYTES - offset;
        const uint32_t count = left < ED_WIRE_OUT_BYTES ? left : ED_WIRE_OUT_BYTES;
        ed_window_copy(part, offset, count);
        crc = ed_crc32(crc, part, count);
        ed_record_begin("window");
        ed_record_u64("off", offset);
        ed_record_hex("hex", part, count);
        ed_record_end();
    }
    ed_record_begin("windowed");
    ed_record_u64("bytes", ED_WINDOW_BYTES);
    ed_record_u64("frames", ed_window_frames());
    ed_record_hex32("crc", crc);
    ed_record_end();
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_listen_of_firmware_that_listens_only;

#endif
