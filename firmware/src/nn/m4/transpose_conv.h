/* What TRANSPOSE_CONV on a Cortex-M4 wants: nn/transpose_conv.h with the products of nn/m4/dot.h. */
#ifndef ED_NN_M4_TRANSPOSE_CONV_H
#define ED_NN_M4_TRANSPOSE_CONV_H

#include "nn/m4/dot.h"
#include "nn/transpose_conv.h"

#endif
