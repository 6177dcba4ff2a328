#include "app/ed_show.h"

#include <stddef.h>

#include "app/ed_labels.h"
#include "app/ed_tensor.h"
#include "ports/ed_port.h"
#include "wire/ed_text.h"

enum { SHOWN_US = 3000000 }; /* as long as TensorFlow's micro_speech shows a word */

static const ed_port_shown nothing = {NULL, NULL, 0, 0};

static bool showing; /* this stream is to be shown */
static bool dark;

static void darken(void)
{
    if (!dark) {
        dark = true;
        ed_port_show(&nothing);
    }
}

void ed_show_reset(void)
{
    showing = false;
    dark = false; /* not known */
    darken();
}

void ed_show_begin(bool shown)
{
    darken();
    showing = shown;
}

void ed_show_end(void)
{
    darken();
    showing = false;
}

#if ED_SENSES

enum { SCORE_CHARS = 8 };

static struct {
    uint32_t label;
    char score[SCORE_CHARS + 1];
    uint64_t until_us;
} last;

/* A label as it was before it was escaped; '?' for each character that is not ASCII. */
static void unescape(char to[ED_PORT_LABEL_CHARS + 1], const char *from)
{
    uint32_t count = 0;

    while (*from != '\0' && count < ED_PORT_LABEL_CHARS) {
        uint32_t byte = (uint8_t)*from++;
        if (byte == '=' && ed_text_read_hex(from, 2, &byte) == ED_OK) {
            from += 2;
        }
        if ((byte & 0xC0u) != 0x80u) { /* of UTF-8, the first byte of a character */
            to[count++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
        }
    }
    to[count] = '\0';
}

/* Percent where the scores are shares of 1, as softmax gives them; otherwise as they are. */
static void write_score(char to[SCORE_CHARS + 1], const ed_model_tensor *output, float score)
{
    const bool share = output->zero_point == -128 && output->scale <= 1.0f / 255.0f;
    char text[ED_TEXT_FIXED3_BYTES + ED_TEXT_U64_BYTES];
    size_t count;

    if (share) {
        count = ed_text_u64(text, (uint32_t)(score * 100.0f + 0.5f));
        text[count++] = ' ';
        text[count++] = '%';
    } else {
        count = ed_text_fixed3(text, score);
    }
    count = count < SCORE_CHARS ? count : SCORE_CHARS;
    for (size_t i = 0; i < count; i++) {
        to[i] = text[i];
    }
    to[count] = '\0';
}

static void show_label(const ed_model_tensor *output, const ed_decision *made)
{
    char label[ED_PORT_LABEL_CHARS + 1];
    char score[SCORE_CHARS + 1];
    ed_port_shown shown = nothing;

    write_score(score, output, made->score);
    if (!dark && made->label == last.label && ed_text_equal(score, last.score)) {
        return;
    }
    unescape(label, ed_labels_text(made->label));
    shown.label = label;
    shown.score = score;
    shown.colour = ed_decision_colour(made->label);
    ed_port_show(&shown);
    dark = false;
    last.label = made->label;
    for (size_t i = 0; i < sizeof score; i++) {
        last.score[i] = score[i];
    }
}

void ed_show_decision(const ed_model_tensor *output, const ed_decision *made, uint64_t now_us)
{
    if (!showing) {
        return;
    }
    if (made != NULL) {
        show_label(output, made);
        last.until_us = now_us + SHOWN_US;
    } else if (!dark && ed_decision_holds(last.label)) {
        last.until_us = now_us + SHOWN_US;
    } else if (!dark && now_us >= last.until_us) {
        darken();
    }
}

#elif ED_APP_SOURCE == ED_SOURCE_RAMP

void ed_show_level(const ed_model_tensor *output, const void *data)
{
    static uint8_t last;
    ed_port_shown shown = nothing;

    if (!showing || ed_tensor_elements(output) != 1) {
        return;
    }
    if (output->dtype == ED_DTYPE_INT8) {
        shown.level = (uint8_t)(*(const int8_t *)data + 128);
    } else if (output->dtype == ED_DTYPE_UINT8) {
        shown.level = *(const uint8_t *)data;
    } else {
        return;
    }
    if (dark ? shown.level != 0 : shown.level != last) {
        ed_port_show(&shown);
        dark = shown.level == 0;
        last = shown.level;
    }
}

#endif
