/* Long short-term memory over a sequence, int8 with a 16-bit cell, portable C99: the specification
 * of UNIDIRECTIONAL_SEQUENCE_LSTM.
 *
 * input             [batches, steps, inputs] int8, or [steps, batches, inputs] if `time_major`
 * hidden            [batches, units] int8: the last output, scale and zero point of its own
 * cell              [batches, units] int16, Q(cell_bits).(15 - cell_bits)
 *                   both live from one inference to the next
 * output            [batches, steps, units] int8, or [steps, batches, units]; not `input`
 * input_weights     [gates, units, inputs] int8
 * input_bias        [gates, units] int32: file's bias - input's zero point * sum of the weights
 * recurrent_weights [gates, units, units] int8
 * recurrent_bias    [gates, units] int32: -hidden's zero point * sum of the weights
 * gates             caller's scratch, [gates, units] int16
 *
 * In each step every unit has four gates, of the input and the last output:
 *   cell   <- forget * cell + input * candidate
 *   hidden <- output * tanh(cell)
 * Sums wrap at 32 bits. Source: lstm_eval.cc, LstmStepInteger8x8_16.
 */
#ifndef ED_NN_LSTM_H
#define ED_NN_LSTM_H

#include <stdint.h>

#include "nn/dot.h"
#include "nn/gate.h"
#include "nn/inline.h"
#include "nn/requantize.h"

enum { ED_LSTM_INPUT, ED_LSTM_FORGET, ED_LSTM_CANDIDATE, ED_LSTM_OUTPUT, ED_LSTM_GATES };

typedef struct {
    int32_t batches, steps, inputs, units;
    int32_t time_major;
    int32_t input_multiplier[ED_LSTM_GATES], input_shift[ED_LSTM_GATES]; /* to Q3.12 */
    int32_t recurrent_multiplier[ED_LSTM_GATES], recurrent_shift[ED_LSTM_GATES];
    int32_t cell_bits;   /* [0, 6] */
    int32_t cell_clip;   /* the cell's largest magnitude; 0: no limit */
    int32_t input_right; /* input * candidate is Q0.30; so far it goes right for the cell */
    int32_t hidden_multiplier, hidden_shift, hidden_zero_point;
} ed_lstm_shape;

ED_INLINE int32_t ed_lstm_limit(int32_t x)
{
    return ed_requantize_clamp(x, INT16_MIN, INT16_MAX);
}

/* One gate of one unit, Q0.15. input_weights, ...: from its own on. */
ED_INLINE int16_t ed_lstm_gate(const ed_lstm_shape *s, int32_t gate, ed_dot_product dot,
                               const int8_t *input, const int8_t *hidden,
                               const int8_t *input_weights, int32_t input_bias,
                               const int8_t *recurrent_weights, int32_t recurrent_bias)
{
    const uint32_t of_input = dot(s->inputs, input, input_weights, (uint32_t)input_bias);
    const uint32_t of_hidden = dot(s->units, hidden, recurrent_weights, (uint32_t)recurrent_bias);
    const int32_t first =
        ed_requantize((int32_t)of_input, s->input_multiplier[gate], s->input_shift[gate]);
    const int32_t second =
        ed_requantize((int32_t)of_hidden, s->recurrent_multiplier[gate], s->recurrent_shift[gate]);
    const uint32_t both = (uint32_t)second + (uint32_t)ed_lstm_limit(first);
    const int32_t sum = ed_lstm_limit((int32_t)both); /* Q3.12 */
    return (int16_t)(gate == ED_LSTM_CANDIDATE ? ed_gate_tanh(sum, 3) : ed_gate_logistic(sum));
}

/* The cell and the output of one unit, from its gates. */
ED_INLINE int8_t ed_lstm_unit(const ed_lstm_shape *s, const int16_t *gates, int16_t *cell)
{
    const int32_t candidate = gates[ED_LSTM_CANDIDATE * s->units];
    const int32_t kept = ed_requantize_shift_right(gates[ED_LSTM_FORGET * s->units] * *cell, 15);
    const int32_t taken =
        ed_requantize_shift_right(gates[ED_LSTM_INPUT * s->units] * candidate, s->input_right);
    int32_t next = ed_lstm_limit(kept + taken);
    if (s->cell_clip > 0) {
        next = ed_requantize_clamp(next, -s->cell_clip, s->cell_clip);
    }
    *cell = (int16_t)next;
    const int32_t shown = gates[ED_LSTM_OUTPUT * s->units] * ed_gate_tanh(next, s->cell_bits);
    return ed_requantize_int8(shown, s->hidden_multiplier, s->hidden_shift, s->hidden_zero_point,
                              INT8_MIN, INT8_MAX);
}

/* One step of one batch. */
ED_INLINE void ed_lstm_step(const ed_lstm_shape *s, ed_dot_product dot, const int8_t *input,
                            int8_t *hidden, int16_t *cell, int8_t *output,
                            const int8_t *input_weights, const int32_t *input_bias,
                            const int8_t *recurrent_weights, const int32_t *recurrent_bias,
                            int16_t *gates)
{
    for (int32_t gate = 0; gate < ED_LSTM_GATES; ++gate) {
        for (int32_t u = 0; u < s->units; ++u) {
            const int32_t row = gate * s->units + u;
            gates[row] = ed_lstm_gate(s, gate, dot, input, hidden, input_weights + row * s->inputs,
                                      input_bias[row], recurrent_weights + row * s->units,
                                      recurrent_bias[row]);
        }
    }
    for (int32_t u = 0; u < s->units; ++u) {
        hidden[u] = output[u] = ed_lstm_unit(s, gates + u, cell + u);
    }
}

ED_INLINE void ed_lstm(const ed_lstm_shape *s, ed_dot_product dot, const int8_t *input,
                       int8_t *hidden, int16_t *cell, int8_t *output, const int8_t *input_weights,
                       const int32_t *input_bias, const int8_t *recurrent_weights,
                       const int32_t *recurrent_bias, int16_t *gates)
{
    for (int32_t t = 0; t < s->steps; ++t) {
        for (int32_t b = 0; b < s->batches; ++b) {
            const int32_t at = s->time_major ? t * s->batches + b : b * s->steps + t;
            ed_lstm_step(s, dot, input + at * s->inputs, hidden + b * s->units, cell + b * s->units,
                         output + at * s->units, input_weights, input_bias, recurrent_weights,
                         recurrent_bias, gates);
        }
    }
}

#endif
