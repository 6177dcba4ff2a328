"""The variables of a model: which handles mean the same one, and what it begins with.

A streaming model keeps what it heard in variables: VAR_HANDLE names one, READ_VARIABLE gives a
copy of it, ASSIGN_VARIABLE puts a value there for the next inference, and CALL_ONCE has a
subgraph assign constants before the first. All that is checked here, so that whoever has a
Graph may take an operator's variable as given. Knows nothing of memory or C.

Sources: tensorflow/lite/kernels/{call_once,var_handle,read_variable,assign_variable}.cc.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.flatbuffer import BrokenBuffer
from edge_deploy.model.graph import DType, Operator, Tensor, Variable
from edge_deploy.model.names import safe_name
from edge_deploy.model.refusals import Refusal

# Container and shared name, by which TFLite tells variables apart.
_Key = tuple[str, str]

# Not text: what was no UTF-8, and what C would take for the end of a name.
_NO_TEXT = ("\ufffd", "\0")


class Part(Protocol):
    """A subgraph that CALL_ONCE calls."""

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Its own tensors, which the indices of its operators mean."""

    @property
    def operators(self) -> Sequence[Operator]:
        """What it does, in order."""


def find_variables(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    initial: Mapping[int, Part],
    refusal: Refusal,
) -> dict[int, Variable]:
    """The variables of the main subgraph, by each handle that is used.

    initial: the subgraphs that CALL_ONCE names, by index. Raises BrokenBuffer where TFLite
    would fail, UnsupportedModel for what is beyond us.
    """
    finder = _Finder(tensors, refusal)
    for operator in operators:
        if operator.name == "CALL_ONCE":
            finder.initialise(operator, initial[operator.options["init_subgraph_index"]])
        else:
            finder.take(operator)
    return finder.variables()


@dataclass
class _Known:
    """A variable as far as it is known. tensor: its first handle; value: whose shape it has."""

    tensor: int
    value: Tensor | None = None
    initial: Tensor | None = None


class _Finder:
    """Follows the operators in order."""

    def __init__(self, tensors: Sequence[Tensor], refusal: Refusal) -> None:
        self._tensors = tensors
        self._refusal = refusal
        self._keys: dict[int, _Key] = {}  # by handle
        self._known: dict[_Key, _Known] = {}
        self._initial: dict[_Key, Tensor] = {}
        self._used = False

    def variables(self) -> dict[int, Variable]:
        """What was found, by handle."""
        found: dict[int, Variable] = {}
        for handle, key in self._keys.items():
            known = self._known[key]
            if known.value is None:
                continue  # a handle that nothing uses
            found[handle] = Variable(
                tensor=known.tensor,
                name="/".join(filter(None, key)),
                shape=known.value.shape,
                dtype=known.value.dtype,
                initial=None if known.initial is None else known.initial.values,
            )
        return found

    def initialise(self, operator: Operator, part: Part) -> None:
        """Take what a CALL_ONCE assigns, which it does before the first inference only."""
        _check_arity(operator, 0, 0)
        if self._used:
            raise self._refusal.unsupported(
                f"initialises variables by {_title(operator)} after it has used some"
            )
        keys: dict[int, _Key] = {}
        for inner in part.operators:
            if inner.name == "VAR_HANDLE":
                keys[self._handle(inner, part.tensors)] = self._key(inner)
            elif inner.name == "ASSIGN_VARIABLE":
                key, value = _assigned(inner, part.tensors, keys)
                if not value.is_constant:
                    raise self._refusal.unsupported(
                        f"initialises the variable {_shown(key)} with something that is computed"
                    )
                self._initial[key] = value
            else:
                raise self._refusal.unsupported(
                    f"initialises with {inner.name}; only constants are taken as the beginning of"
                    " variables"
                )

    def take(self, operator: Operator) -> None:
        """Take an operator of the main subgraph."""
        if operator.name == "VAR_HANDLE":
            handle, key = self._handle(operator, self._tensors), self._key(operator)
            self._keys[handle] = key
            self._known.setdefault(key, _Known(handle))
        elif operator.name == "READ_VARIABLE":
            _check_arity(operator, 1, 1)
            key = _key_of(operator, self._keys)
            known = self._known[key]
            if key in self._initial:
                self._settle(key, self._initial[key], operator)
                known.initial = self._initial[key]
            if known.value is None:
                raise BrokenBuffer(
                    f"has {_title(operator)} read the variable {_shown(key)} before it is assigned"
                )
            self._settle(key, self._tensors[operator.outputs[0]], operator)
        elif operator.name == "ASSIGN_VARIABLE":
            key, value = _assigned(operator, self._tensors, self._keys)
            self._settle(key, value, operator)
        elif any(self._is_handle(i) for i in (*operator.inputs, *operator.outputs)):
            raise self._refusal.unsupported(
                f"passes the handle of a variable through {_title(operator)}"
            )

    def _settle(self, key: _Key, value: Tensor, operator: Operator) -> None:
        """Check that a variable has one shape and type throughout."""
        self._used = True
        known = self._known[key]
        before = known.value or value
        if (before.shape, before.dtype) != (value.shape, value.dtype):
            raise self._refusal.unsupported(
                f"has the variable {_shown(key)} change from {_kind(before)} to {_kind(value)}"
                f" by {_title(operator)}"
            )
        if value.dtype is DType.RESOURCE:
            raise BrokenBuffer(f"has a handle as the value of the variable {_shown(key)}")
        known.value = before

    def _is_handle(self, index: int) -> bool:
        return index >= 0 and self._tensors[index].dtype is DType.RESOURCE

    def _handle(self, operator: Operator, tensors: Sequence[Tensor]) -> int:
        """The tensor that a VAR_HANDLE makes."""
        _check_arity(operator, 0, 1)
        handle = tensors[operator.outputs[0]]
        if handle.dtype is not DType.RESOURCE or math.prod(handle.shape) != 1:
            raise BrokenBuffer(
                f"has {_title(operator)} make {_kind(handle)}, not the handle of one variable"
            )
        return handle.index

    def _key(self, operator: Operator) -> _Key:
        key = operator.options["container"], operator.options["shared_name"]
        if any(mark in part for mark in _NO_TEXT for part in key):
            raise self._no_text(operator)
        return key

    def _no_text(self, operator: Operator) -> UnsupportedModel:
        return self._refusal.unsupported(f"names the variable of {_title(operator)} with no text")


def _assigned(
    operator: Operator, tensors: Sequence[Tensor], keys: Mapping[int, _Key]
) -> tuple[_Key, Tensor]:
    """Which variable an ASSIGN_VARIABLE assigns, and what."""
    _check_arity(operator, 2, 0)
    if operator.inputs[1] < 0:
        raise BrokenBuffer(f"has {_title(operator)} assign nothing")
    return _key_of(operator, keys), tensors[operator.inputs[1]]


def _key_of(operator: Operator, keys: Mapping[int, _Key]) -> _Key:
    key = keys.get(operator.inputs[0])
    if key is None:
        raise BrokenBuffer(f"gives {_title(operator)} no handle that a VAR_HANDLE made")
    return key


def _check_arity(operator: Operator, inputs: int, outputs: int) -> None:
    if (len(operator.inputs), len(operator.outputs)) != (inputs, outputs):
        raise BrokenBuffer(
            f"has {len(operator.inputs)} inputs and {len(operator.outputs)} outputs for"
            f" {_title(operator)}, which takes {inputs} and {outputs}"
        )


def _title(operator: Operator) -> str:
    return f"operator {operator.index}, {operator.name}"


def _shown(key: Iterable[str]) -> str:
    return f"'{safe_name('/'.join(filter(None, key)))}'"


def _kind(tensor: Tensor) -> str:
    return f"{'x'.join(map(str, tensor.shape)) or 'a scalar'} of {tensor.dtype.value}"
