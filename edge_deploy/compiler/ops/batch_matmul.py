"""BATCH_MATMUL. Kernels: firmware/src/nn/batch_matmul.h, firmware/src/nn/m4/batch_matmul.h.

A constant second matrix with zero point 0 is weights: then this reads a FullyConnected. And the
converter writes some products of two computed matrices as FULLY_CONNECTED, which is read here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import broadcast, fully_connected
from edge_deploy.compiler.ops.broadcast import Stretch
from edge_deploy.compiler.ops.fully_connected import FullyConnected
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Layer, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import Requantization
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier
from edge_deploy.model.graph import Tensor

# The dimensions that the reference takes (batch_matmul.cc, Prepare), two of them the matrix's.
_LEAST_DIMENSIONS, _MOST_DIMENSIONS = 2, 5
# ED_BATCH_MATMUL_DIMENSIONS.
_BATCH_DIMENSIONS = _MOST_DIMENSIONS - 2


@dataclass(frozen=True)
class Matrices:
    """One operand. rows, columns: of each of its matrices as they are multiplied.

    transposed: a column lies dense in memory, instead of a row.
    """

    tensor: Tensor
    transposed: bool

    @property
    def batches(self) -> tuple[int, ...]:
        """How many there are."""
        return self.tensor.shape[:-2]

    @property
    def rows(self) -> int:
        """Rows of one matrix."""
        return self.tensor.shape[-1 if self.transposed else -2]

    @property
    def columns(self) -> int:
        """Columns of one matrix."""
        return self.tensor.shape[-2 if self.transposed else -1]

    @property
    def elements(self) -> int:
        """Elements of one matrix."""
        return self.rows * self.columns

    @property
    def steps(self) -> tuple[int, int]:
        """Elements from one row to the next, and from one column to the next."""
        return (1, self.rows) if self.transposed else (self.columns, 1)


@dataclass(frozen=True)
class BatchMatMul(Layer):
    """Each matrix of `first` times that of `second`; constants are values of either operand."""

    first: Matrices
    second: Matrices
    stretch: Stretch
    zero_points: tuple[int, int]
    factor: Multiplier
    output_zero_point: int

    @property
    def _constant(self) -> NDArray[np.int8] | None:
        for operand in (self.first, self.second):
            if operand.tensor.values is not None:
                return operand.tensor.values.reshape(-1).astype(np.int8)
        return None

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        batches = "".join(f"{size}x" for size in self.stretch.sizes if size > 1)
        rows, depth, columns = self.first.rows, self.first.columns, self.second.columns
        return f"{batches}{rows}x{depth}, {depth}x{columns} -> {batches}{rows}x{columns}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        outputs = math.prod(self.stretch.sizes) * self.first.rows * self.second.columns
        return outputs * self.first.columns

    def _dense(self) -> int | None:
        """Which operand has its depth dense in memory, 0 or 1; None where neither has."""
        if self.first.steps[1] == 1:
            return 0
        return 1 if self.second.steps[0] == 1 else None

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output: ED_M4_BATCH_MATMUL_BYTES."""
        wide = target == CORTEX_M4 and self._dense() is not None
        return -(-self.first.columns // 4) * 16 if wide else 0

    @property
    def _quick(self) -> bool:
        """True where accumulators are scaled without 64-bit arithmetic: see ed_dsp_scale."""
        largest = self.first.columns * (INT8_MAX - INT8_MIN) ** 2
        return largest < 2**30 and -22 <= self.factor.shift <= -1

    def _common_fields(self, order: tuple[int, int]) -> dict[str, int]:
        """What both kernels know. order: which operand is the kernel's first, and its second."""
        ahead = _BATCH_DIMENSIONS - len(self.stretch.sizes)
        fields = {f"size[{d}]": size for d, size in enumerate((1,) * ahead + self.stretch.sizes)}
        for place, i in enumerate(order):
            matrix = (self.first, self.second)[i].elements
            steps = (0,) * ahead + tuple(step * matrix for step in self.stretch.steps[i])
            fields |= {f"step[{place}][{d}]": step for d, step in enumerate(steps)}
        return fields | {
            "depth": self.first.columns,
            "multiplier": self.factor.multiplier,
            "shift": self.factor.shift,
            "output_zero_point": self.output_zero_point,
        }

    def _fields(self) -> dict[str, int]:
        """The fields of ed_batch_matmul_shape."""
        row_step, first_depth_step = self.first.steps
        second_depth_step, column_step = self.second.steps
        return self._common_fields((0, 1)) | {
            "rows": self.first.rows,
            "columns": self.second.columns,
            "row_step": row_step,
            "first_depth_step": first_depth_step,
            "column_step": column_step,
            "second_depth_step": second_depth_step,
            "zero_point[0]": self.zero_points[0],
            "zero_point[1]": self.zero_points[1],
        }

    def _m4_fields(self, dense: int) -> dict[str, int]:
        """The fields of ed_m4_batch_matmul_shape.

        Its lines are rows of the first operand, or columns of the second.
        """
        rows, columns = self.first.rows, self.second.columns
        row_step, first_depth_step = self.first.steps
        second_depth_step, column_step = self.second.steps
        fields = self._common_fields((dense, 1 - dense)) | {
            "line_offset": broadcast.as_pair(-self.zero_points[dense]),
            "column_zero_point": self.zero_points[1 - dense],
        }
        if dense == 0:
            return fields | {
                "lines": rows,
                "line_step": row_step,
                "output_line_step": columns,
                "columns": columns,
                "column_step": column_step,
                "column_depth_step": second_depth_step,
                "output_column_step": 1,
            }
        return fields | {
            "lines": columns,
            "line_step": column_step,
            "output_line_step": 1,
            "columns": rows,
            "column_step": row_step,
            "column_depth_step": first_depth_step,
            "output_column_step": columns,
        }

    def code(self, target: str) -> Code:
        """The layer in C."""
        constant = self._constant
        parameters = "const int8_t *first, const int8_t *second, int8_t *output"
        operands = ("first", "second")
        if constant is not None:
            parameters = "const int8_t *input, int8_t *output, const int8_t *constant"
            operands = ("input", "constant")
            if self.first.tensor.is_constant:
                operands = ("constant", "input")
        constants = () if constant is None else (Constant("operand", "int8_t", constant),)
        dense = self._dense() if target == CORTEX_M4 else None
        if dense is None:
            return Code(
                include="nn/batch_matmul.h",
                stem="batch_matmul",
                parameters=f"const ed_batch_matmul_shape *shape, {parameters}",
                body=f"    ed_batch_matmul(shape, {', '.join(operands)}, output);",
                constants=constants,
                shape=Shape("ed_batch_matmul_shape", self._fields()),
            )
        arguments = f"{operands[dense]}, {operands[1 - dense]}, output, scratch, {int(self._quick)}"
        return Code(
            include="nn/m4/batch_matmul.h",
            stem="batch_matmul",
            parameters=f"const ed_m4_batch_matmul_shape *shape, {parameters}, uint32_t *scratch",
            body=f"    ed_m4_batch_matmul(shape, {arguments});",
            constants=constants,
            shape=Shape("ed_m4_batch_matmul_shape", self._m4_fields(dense)),
        )


def read(site: Site) -> BatchMatMul | FullyConnected:
    """A BATCH_MATMUL of the file, checked. Raises UnsupportedModel."""
    first, second = (
        _matrices(site, position, transposed=bool(site.option(option)))
        for position, option in enumerate(("adj_x", "adj_y"))
    )
    output = site.activation(site.output, "an output")
    if first.tensor.is_constant and second.tensor.is_constant:
        raise unsupported(site, "has constants alone as inputs")
    if first.columns != second.rows:
        raise unsupported(site, f"multiplies {first.columns} columns by {second.rows} rows")
    stretch = broadcast.stretch_of(first.batches, second.batches)
    batches = broadcast.output_shape(first.batches, second.batches)
    if stretch is None or output.shape != (*batches, first.rows, second.columns):
        raise unsupported(
            site,
            f"has inputs of shape {first.tensor.shape} and {second.tensor.shape} "
            f"for {output.shape}",
        )
    if first.transposed and first.batches[-1:] > (1,) and second.batches[-1:] == (1,):
        # The reference takes the last batches for more rows then, transposed or not, and reads
        # beyond its matrices: batch_matmul.cc, Eval, "Compress ops".
        raise unsupported(
            site,
            "transposes its first matrices and has one second matrix for several of them, which "
            "the reference computes wrongly",
            ("tf.transpose(...) of the first operand instead of transpose_a",),
        )
    factor = quantization.per_tensor(
        site.scale(first.tensor), site.scale(second.tensor), site.scale(output)
    )
    one_matrix = second.tensor.is_constant and math.prod(second.batches) == 1
    if one_matrix and not first.transposed and site.zero_point(second.tensor) == 0:
        return _fully_connected(site, first.tensor, _weights(second), factor)
    return BatchMatMul(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=tuple(x.tensor.index for x in (first, second) if not x.tensor.is_constant),
        outputs=(output.index,),
        first=first,
        second=second,
        stretch=stretch,
        zero_points=(site.zero_point(first.tensor), site.zero_point(second.tensor)),
        factor=factor,
        output_zero_point=site.zero_point(output),
    )


def read_fully_connected(site: Site) -> BatchMatMul | FullyConnected:
    """A FULLY_CONNECTED of the file, its weights constant or not. Raises UnsupportedModel."""
    if site.tensor(1).is_constant:
        return fully_connected.read(site)
    source = site.activation(site.tensor(0), "an input")
    weights = site.activation(site.tensor(1), "weights")
    output = site.activation(site.output, "an output")
    if len(weights.shape) != 2 or source.shape[-1:] != weights.shape[1:]:
        raise unsupported(site, f"has shapes {source.shape} and {weights.shape}")
    if site.optional(2) is not None:
        raise unsupported(site, "has weights that are computed, and a bias")
    if site.activation_range(output) != (INT8_MIN, INT8_MAX):
        raise unsupported(site, "has weights that are computed, and a fused activation")
    outputs, inputs = weights.shape
    rows = source.elements // inputs
    wanted = fully_connected.output_shape(site, source, inputs, outputs)
    if output.shape != wanted:
        raise unsupported(site, f"has output shape {output.shape}; its weights give {wanted}")
    stretch = broadcast.stretch_of((), ())
    assert stretch is not None
    return BatchMatMul(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index, weights.index),
        outputs=(output.index,),
        first=Matrices(replace(source, shape=(rows, inputs)), transposed=False),
        second=Matrices(weights, transposed=True),
        stretch=stretch,
        zero_points=(site.zero_point(source), site.zero_point(weights)),
        factor=quantization.per_tensor(site.scale(source), site.scale(weights), site.scale(output)),
        output_zero_point=site.zero_point(output),
    )


def _matrices(site: Site, position: int, *, transposed: bool) -> Matrices:
    tensor = site.quantized(site.tensor(position), "an input")
    rank = len(tensor.shape)
    if not _LEAST_DIMENSIONS <= rank <= _MOST_DIMENSIONS or tensor.elements <= 0:
        raise unsupported(
            site,
            f"has an input of shape {tensor.shape}; the reference takes "
            f"{_LEAST_DIMENSIONS} to {_MOST_DIMENSIONS} dimensions",
        )
    return Matrices(tensor, transposed)


def _weights(second: Matrices) -> NDArray[np.int8]:
    """(outputs, inputs): the columns of the one matrix there is."""
    assert second.tensor.values is not None
    matrix = second.tensor.values.reshape(second.tensor.shape[-2:]).astype(np.int8)
    return matrix if second.transposed else np.ascontiguousarray(matrix.T)


def _fully_connected(
    site: Site, source: Tensor, weights: NDArray[np.int8], factor: Multiplier
) -> FullyConnected:
    outputs, inputs = weights.shape
    return FullyConnected(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(site.output.index,),
        weights=weights,
        bias=np.zeros(outputs, np.int64),
        input_zero_point=site.zero_point(source),
        requantization=Requantization(
            (factor,) * outputs, site.zero_point(site.output), INT8_MIN, INT8_MAX
        ),
        folded=False,
        batches=source.elements // inputs,
    )
