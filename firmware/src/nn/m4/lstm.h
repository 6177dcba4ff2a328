/* What an LSTM on a Cortex-M4 wants: nn/lstm.h with the dot product of nn/m4/dot.h. */
#ifndef ED_NN_M4_LSTM_H
#define ED_NN_M4_LSTM_H

#include "nn/lstm.h"
#include "nn/m4/dot.h"

#endif
