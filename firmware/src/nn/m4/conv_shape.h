/* The sizes of a CONV_2D on Cortex-M4, for nn/m4/conv.h and what it is made of. */
#ifndef ED_NN_M4_CONV_SHAPE_H
#define ED_NN_M4_CONV_SHAPE_H

#include <stdint.h>

#define ED_M4_CONV_PIXELS 2

/* What every layer says of its outputs. */
typedef struct {
    int32_t channels;
    int8_t zero_point;
    int8_t lowest, highest; /* the fused activation, in output steps */
} ed_m4_conv_outputs;

/* A kernel of one pixel that steps by one, without padding. */
typedef struct {
    ed_m4_conv_outputs outputs;
    int32_t pixels, input_channels;
} ed_m4_conv_pointwise_shape;

typedef struct {
    ed_m4_conv_outputs outputs;
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    int8_t input_zero_point; /* what padding holds */
} ed_m4_conv_shape;

#endif
