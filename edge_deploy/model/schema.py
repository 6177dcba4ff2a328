"""The TFLite schema as data: field ids, enum words, operator codes and their option tables.

Turns nothing into anything; `reader.py` walks a file with it, and the tests' model builder
writes files with it. A field's slot is its position in the schema's table, which is the
position of its entry in a FlatBuffer vtable.

Source: tensorflow/lite/schema/schema.fbs, version 3 (file identifier "TFL3"), as published
with TensorFlow 2.21; `tests/model/test_schema.py` holds every line against the accessors that
TensorFlow ships for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3


class Model:
    """Slots of table Model."""

    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    DESCRIPTION = 3
    BUFFERS = 4


class OperatorCode:
    """Slots of table OperatorCode.

    The code is the larger of the two builtin fields: the 8-bit one is what older writers
    filled, the 32-bit one holds codes above 126 as well.
    """

    DEPRECATED_BUILTIN_CODE = 0
    CUSTOM_CODE = 1
    VERSION = 2
    BUILTIN_CODE = 3


class SubGraph:
    """Slots of table SubGraph."""

    TENSORS = 0
    INPUTS = 1
    OUTPUTS = 2
    OPERATORS = 3
    NAME = 4


class Tensor:
    """Slots of table Tensor."""

    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4
    IS_VARIABLE = 5
    SPARSITY = 6
    SHAPE_SIGNATURE = 7
    EXTERNAL_BUFFER = 10


class QuantizationParameters:
    """Slots of table QuantizationParameters."""

    SCALE = 2
    ZERO_POINT = 3
    DETAILS_TYPE = 4
    QUANTIZED_DIMENSION = 6


class Operator:
    """Slots of table Operator."""

    OPCODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2
    BUILTIN_OPTIONS_TYPE = 3
    BUILTIN_OPTIONS = 4
    INTERMEDIATES = 8


class Buffer:
    """Slots of table Buffer. An offset above 1 puts the data outside the FlatBuffer."""

    DATA = 0
    OFFSET = 1
    SIZE = 2


# Enums whose values count from 0: the word of value i is words[i].
TENSOR_TYPES = (
    "FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64",
    "INT8", "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4",
    "BFLOAT16", "INT2", "UINT4",
)  # fmt: skip

ENUMS: Mapping[str, tuple[str, ...]] = {
    "ActivationFunctionType": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "CombinerType": ("SUM", "MEAN", "SQRTN"),
    "FullyConnectedOptionsWeightsFormat": ("DEFAULT", "SHUFFLED4x16INT8"),
    "LSHProjectionType": ("UNKNOWN", "SPARSE", "DENSE"),
    "LSTMKernelType": ("FULL", "BASIC"),
    "MirrorPadMode": ("REFLECT", "SYMMETRIC"),
    "Padding": ("SAME", "VALID"),
    "TensorType": TENSOR_TYPES,
}


@dataclass(frozen=True)
class OptionField:
    """One field of an option table.

    kind: "int8", "int32", "uint32", "int64", "float32", "bool", "string", "[int32]", or
    "[float32]"; an enum is stored as int8, and `words` are its names.
    default: what an absent field means (schema.fbs: 0 unless it says otherwise).
    """

    slot: int
    name: str
    kind: str
    default: int | float | bool | str | tuple[int, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptionTable:
    """One member of the schema's union BuiltinOptions; `code` is its value there."""

    code: int
    name: str
    fields: tuple[OptionField, ...]


# The union BuiltinOptions: a line a table, in the order of its codes from 1; fields in the
# order of their slots as name:type, `=` a default other than zero, `-` a deprecated slot.
_OPTION_LINES = """
Conv2DOptions padding:Padding stride_w:int32 stride_h:int32 \
fused_activation_function:ActivationFunctionType dilation_w_factor:int32=1 \
dilation_h_factor:int32=1 quantized_bias_type:TensorType
DepthwiseConv2DOptions padding:Padding stride_w:int32 stride_h:int32 depth_multiplier:int32 \
fused_activation_function:ActivationFunctionType dilation_w_factor:int32=1 \
dilation_h_factor:int32=1
ConcatEmbeddingsOptions num_channels:int32 num_columns_per_channel:[int32] \
embedding_dim_per_channel:[int32]
LSHProjectionOptions type:LSHProjectionType
Pool2DOptions padding:Padding stride_w:int32 stride_h:int32 filter_width:int32 \
filter_height:int32 fused_activation_function:ActivationFunctionType
SVDFOptions rank:int32 fused_activation_function:ActivationFunctionType \
asymmetric_quantize_inputs:bool
RNNOptions fused_activation_function:ActivationFunctionType asymmetric_quantize_inputs:bool
FullyConnectedOptions fused_activation_function:ActivationFunctionType \
weights_format:FullyConnectedOptionsWeightsFormat keep_num_dims:bool \
asymmetric_quantize_inputs:bool quantized_bias_type:TensorType
SoftmaxOptions beta:float32
ConcatenationOptions axis:int32 fused_activation_function:ActivationFunctionType
AddOptions fused_activation_function:ActivationFunctionType pot_scale_int16:bool=1
L2NormOptions fused_activation_function:ActivationFunctionType
LocalResponseNormalizationOptions radius:int32 bias:float32 alpha:float32 beta:float32
LSTMOptions fused_activation_function:ActivationFunctionType cell_clip:float32 \
proj_clip:float32 kernel_type:LSTMKernelType asymmetric_quantize_inputs:bool
ResizeBilinearOptions - - align_corners:bool half_pixel_centers:bool
CallOptions subgraph:uint32
ReshapeOptions new_shape:[int32]
SkipGramOptions ngram_size:int32 max_skip_size:int32 include_all_ngrams:bool
SpaceToDepthOptions block_size:int32
EmbeddingLookupSparseOptions combiner:CombinerType
MulOptions fused_activation_function:ActivationFunctionType
PadOptions
GatherOptions axis:int32 batch_dims:int32
BatchToSpaceNDOptions
SpaceToBatchNDOptions
TransposeOptions
ReducerOptions keep_dims:bool
SubOptions fused_activation_function:ActivationFunctionType pot_scale_int16:bool=1
DivOptions fused_activation_function:ActivationFunctionType
SqueezeOptions squeeze_dims:[int32]
SequenceRNNOptions time_major:bool fused_activation_function:ActivationFunctionType \
asymmetric_quantize_inputs:bool
StridedSliceOptions begin_mask:int32 end_mask:int32 ellipsis_mask:int32 new_axis_mask:int32 \
shrink_axis_mask:int32 offset:bool
ExpOptions
TopKV2Options
SplitOptions num_splits:int32
LogSoftmaxOptions
CastOptions in_data_type:TensorType out_data_type:TensorType
DequantizeOptions
MaximumMinimumOptions
ArgMaxOptions output_type:TensorType
LessOptions
NegOptions
PadV2Options
GreaterOptions
GreaterEqualOptions
LessEqualOptions
SelectOptions
SliceOptions
TransposeConvOptions padding:Padding stride_w:int32 stride_h:int32 \
fused_activation_function:ActivationFunctionType quantized_bias_type:TensorType
SparseToDenseOptions validate_indices:bool
TileOptions
ExpandDimsOptions
EqualOptions
NotEqualOptions
ShapeOptions out_type:TensorType
PowOptions
ArgMinOptions output_type:TensorType
FakeQuantOptions min:float32 max:float32 num_bits:int32 narrow_range:bool
PackOptions values_count:int32 axis:int32
LogicalOrOptions
OneHotOptions axis:int32
LogicalAndOptions
LogicalNotOptions
UnpackOptions num:int32 axis:int32
FloorDivOptions
SquareOptions
ZerosLikeOptions
FillOptions
BidirectionalSequenceLSTMOptions fused_activation_function:ActivationFunctionType \
cell_clip:float32 proj_clip:float32 merge_outputs:bool time_major:bool=1 \
asymmetric_quantize_inputs:bool
BidirectionalSequenceRNNOptions time_major:bool \
fused_activation_function:ActivationFunctionType merge_outputs:bool \
asymmetric_quantize_inputs:bool
UnidirectionalSequenceLSTMOptions fused_activation_function:ActivationFunctionType \
cell_clip:float32 proj_clip:float32 time_major:bool asymmetric_quantize_inputs:bool \
diagonal_recurrent_tensors:bool
FloorModOptions
RangeOptions
ResizeNearestNeighborOptions align_corners:bool half_pixel_centers:bool
LeakyReluOptions alpha:float32
SquaredDifferenceOptions
MirrorPadOptions mode:MirrorPadMode
AbsOptions
SplitVOptions num_splits:int32
UniqueOptions idx_out_type:TensorType=2
ReverseV2Options
AddNOptions
GatherNdOptions
CosOptions
WhereOptions
RankOptions
ReverseSequenceOptions seq_dim:int32 batch_dim:int32
MatrixDiagOptions
QuantizeOptions
MatrixSetDiagOptions
HardSwishOptions
IfOptions then_subgraph_index:int32 else_subgraph_index:int32
WhileOptions cond_subgraph_index:int32 body_subgraph_index:int32
DepthToSpaceOptions block_size:int32
NonMaxSuppressionV4Options
NonMaxSuppressionV5Options
ScatterNdOptions
SelectV2Options
DensifyOptions
SegmentSumOptions
BatchMatMulOptions adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool
CumsumOptions exclusive:bool reverse:bool
CallOnceOptions init_subgraph_index:int32
BroadcastToOptions
Rfft2dOptions
Conv3DOptions padding:Padding stride_d:int32 stride_w:int32 stride_h:int32 \
fused_activation_function:ActivationFunctionType dilation_d_factor:int32=1 \
dilation_w_factor:int32=1 dilation_h_factor:int32=1
HashtableOptions table_id:int32 key_dtype:TensorType value_dtype:TensorType
HashtableFindOptions
HashtableImportOptions
HashtableSizeOptions
VarHandleOptions container:string shared_name:string
ReadVariableOptions
AssignVariableOptions
RandomOptions seed:int64 seed2:int64
BucketizeOptions boundaries:[float32]
GeluOptions approximate:bool
DynamicUpdateSliceOptions
UnsortedSegmentProdOptions
UnsortedSegmentMaxOptions
UnsortedSegmentMinOptions
UnsortedSegmentSumOptions
ATan2Options
SignOptions
BitcastOptions
BitwiseXorOptions
RightShiftOptions
"""

# BuiltinOperator by code, from 0: the operator and, after a slash, its option table.
_OPERATOR_WORDS = """
ADD/Add AVERAGE_POOL_2D/Pool2D CONCATENATION/Concatenation CONV_2D/Conv2D
DEPTHWISE_CONV_2D/DepthwiseConv2D DEPTH_TO_SPACE/DepthToSpace DEQUANTIZE/Dequantize
EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED/FullyConnected HASHTABLE_LOOKUP L2_NORMALIZATION/L2Norm
L2_POOL_2D/Pool2D LOCAL_RESPONSE_NORMALIZATION/LocalResponseNormalization LOGISTIC
LSH_PROJECTION/LSHProjection LSTM/LSTM MAX_POOL_2D/Pool2D MUL/Mul RELU RELU_N1_TO_1 RELU6
RESHAPE/Reshape RESIZE_BILINEAR/ResizeBilinear RNN/RNN SOFTMAX/Softmax
SPACE_TO_DEPTH/SpaceToDepth SVDF/SVDF TANH CONCAT_EMBEDDINGS/ConcatEmbeddings SKIP_GRAM/SkipGram
CALL/Call CUSTOM EMBEDDING_LOOKUP_SPARSE/EmbeddingLookupSparse PAD/Pad
UNIDIRECTIONAL_SEQUENCE_RNN/SequenceRNN GATHER/Gather BATCH_TO_SPACE_ND/BatchToSpaceND
SPACE_TO_BATCH_ND/SpaceToBatchND TRANSPOSE/Transpose MEAN/Reducer SUB/Sub DIV/Div SQUEEZE/Squeeze
UNIDIRECTIONAL_SEQUENCE_LSTM/UnidirectionalSequenceLSTM STRIDED_SLICE/StridedSlice
BIDIRECTIONAL_SEQUENCE_RNN/BidirectionalSequenceRNN EXP/Exp TOPK_V2/TopKV2 SPLIT/Split
LOG_SOFTMAX/LogSoftmax DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM/BidirectionalSequenceLSTM CAST/Cast
PRELU MAXIMUM/MaximumMinimum ARG_MAX/ArgMax MINIMUM/MaximumMinimum LESS/Less NEG/Neg PADV2/PadV2
GREATER/Greater GREATER_EQUAL/GreaterEqual LESS_EQUAL/LessEqual SELECT/Select SLICE/Slice SIN
TRANSPOSE_CONV/TransposeConv SPARSE_TO_DENSE/SparseToDense TILE/Tile EXPAND_DIMS/ExpandDims
EQUAL/Equal NOT_EQUAL/NotEqual LOG SUM/Reducer SQRT RSQRT SHAPE/Shape POW/Pow ARG_MIN/ArgMin
FAKE_QUANT/FakeQuant REDUCE_PROD/Reducer REDUCE_MAX/Reducer PACK/Pack LOGICAL_OR/LogicalOr
ONE_HOT/OneHot LOGICAL_AND/LogicalAnd LOGICAL_NOT/LogicalNot UNPACK/Unpack REDUCE_MIN/Reducer
FLOOR_DIV/FloorDiv REDUCE_ANY/Reducer SQUARE/Square ZEROS_LIKE/ZerosLike FILL/Fill
FLOOR_MOD/FloorMod RANGE/Range RESIZE_NEAREST_NEIGHBOR/ResizeNearestNeighbor
LEAKY_RELU/LeakyRelu SQUARED_DIFFERENCE/SquaredDifference MIRROR_PAD/MirrorPad ABS/Abs
SPLIT_V/SplitV UNIQUE/Unique CEIL REVERSE_V2/ReverseV2 ADD_N/AddN GATHER_ND/GatherNd COS/Cos
WHERE/Where RANK/Rank ELU REVERSE_SEQUENCE/ReverseSequence MATRIX_DIAG/MatrixDiag
QUANTIZE/Quantize MATRIX_SET_DIAG/MatrixSetDiag ROUND HARD_SWISH/HardSwish IF/If WHILE/While
NON_MAX_SUPPRESSION_V4/NonMaxSuppressionV4 NON_MAX_SUPPRESSION_V5/NonMaxSuppressionV5
SCATTER_ND/ScatterNd SELECT_V2/SelectV2 DENSIFY/Densify SEGMENT_SUM/SegmentSum
BATCH_MATMUL/BatchMatMul PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM/Cumsum CALL_ONCE/CallOnce
BROADCAST_TO/BroadcastTo RFFT2D/Rfft2d CONV_3D/Conv3D IMAG REAL COMPLEX_ABS HASHTABLE/Hashtable
HASHTABLE_FIND/HashtableFind HASHTABLE_IMPORT/HashtableImport HASHTABLE_SIZE/HashtableSize
REDUCE_ALL/Reducer CONV_3D_TRANSPOSE/Conv3D VAR_HANDLE/VarHandle READ_VARIABLE/ReadVariable
ASSIGN_VARIABLE/AssignVariable BROADCAST_ARGS RANDOM_STANDARD_NORMAL/Random BUCKETIZE/Bucketize
RANDOM_UNIFORM/Random MULTINOMIAL/Random GELU/Gelu DYNAMIC_UPDATE_SLICE/DynamicUpdateSlice
RELU_0_TO_1 UNSORTED_SEGMENT_PROD/UnsortedSegmentProd UNSORTED_SEGMENT_MAX/UnsortedSegmentMax
UNSORTED_SEGMENT_SUM/UnsortedSegmentSum ATAN2/ATan2 UNSORTED_SEGMENT_MIN/UnsortedSegmentMin
SIGN/Sign BITCAST/Bitcast BITWISE_XOR/BitwiseXor RIGHT_SHIFT/RightShift STABLEHLO_LOGISTIC
STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE
STABLEHLO_CLAMP STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION
STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND
STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM
STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE
STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD
STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW
STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""

_ZEROS: Mapping[str, float | str | tuple[int, ...]] = {
    "float32": 0.0,
    "string": "",
    "[int32]": (),
    "[float32]": (),
}


def _option_field(slot: int, text: str) -> OptionField:
    name, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    if kind in ENUMS:
        return OptionField(slot, name, "int8", int(default or 0), ENUMS[kind])
    if kind == "bool":
        return OptionField(slot, name, kind, bool(int(default or 0)))
    if kind in _ZEROS:
        return OptionField(slot, name, kind, _ZEROS[kind])
    return OptionField(slot, name, kind, int(default or 0))


def _option_table(code: int, line: str) -> OptionTable:
    name, *fields = line.split()
    return OptionTable(
        code,
        name,
        tuple(_option_field(slot, text) for slot, text in enumerate(fields) if text != "-"),
    )


# Every option table by its name and by its code in the union.
OPTIONS_BY_NAME: Mapping[str, OptionTable] = {
    table.name: table
    for table in (
        _option_table(code, line)
        for code, line in enumerate(_OPTION_LINES.strip().splitlines(), start=1)
    )
}
OPTIONS_BY_CODE: Mapping[int, OptionTable] = {
    table.code: table for table in OPTIONS_BY_NAME.values()
}

# Operator names by code, and the option table of those that have one.
OPERATORS: tuple[str, ...] = tuple(word.partition("/")[0] for word in _OPERATOR_WORDS.split())
OPERATOR_CODES: Mapping[str, int] = {name: code for code, name in enumerate(OPERATORS)}
OPERATOR_OPTIONS: Mapping[str, OptionTable] = {
    word.partition("/")[0]: OPTIONS_BY_NAME[word.partition("/")[2] + "Options"]
    for word in _OPERATOR_WORDS.split()
    if "/" in word
}
