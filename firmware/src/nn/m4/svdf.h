/* What SVDF on a Cortex-M4 wants: nn/svdf.h with the products of nn/m4/dot.h. */
#ifndef ED_NN_M4_SVDF_H
#define ED_NN_M4_SVDF_H

#include "nn/m4/dot.h"
#include "nn/svdf.h"

#endif
