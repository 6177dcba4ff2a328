"""What a board says of itself: the records of `hello`, put together to one Hello."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.telemetry import facts
from edge_deploy.telemetry.facts import (
    AudioFacts,
    RecorderFacts,
    SensingFacts,
)
from edge_deploy.telemetry.failures import ForeignFirmware
from edge_deploy.telemetry.wire import ED_WIRE_PROTOCOL, Record

# The types that docs/wire.md lists, as numpy names them; little-endian on the wire.
NUMPY_TYPES = {
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float32": "<f4",
    "bool": "?",
}


@dataclass(frozen=True)
class WireTensor:
    """An input or output of the model on the board: real = scale * (value - zero_point).

    scale, zero_point: None for a tensor that is not quantized.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    scale: float | None = None
    zero_point: int | None = None

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """Element type of the dense, little-endian tensor on the wire."""
        return np.dtype(NUMPY_TYPES[self.dtype])

    def decode(self, data: builtins.bytes) -> NDArray[Any]:
        """The dense bytes to an array of `shape`. Raises BadInput for another size."""
        if len(data) != self.bytes:
            raise BadInput(f"tensor {self.name} has {self.bytes} B, not {len(data)} B.")
        return np.frombuffer(data, self.numpy_dtype).reshape(self.shape)

    def encode(self, values: NDArray[Any]) -> builtins.bytes:
        """An array of `shape` and the right type to dense bytes. Raises BadInput otherwise."""
        if (
            values.dtype.newbyteorder("<") != self.numpy_dtype
            or values.size * (self.numpy_dtype.itemsize) != self.bytes
        ):
            raise BadInput(
                f"tensor {self.name} is {self.dtype} {list(self.shape)}, "
                f"not {values.dtype} {list(values.shape)}."
            )
        return np.ascontiguousarray(values, self.numpy_dtype).tobytes()

    def dequantize(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Real values of an array of this tensor; as they are where it is not quantized."""
        if self.scale is None:
            return values.astype(np.float32)
        steps = values.astype(np.float32) - np.float32(self.zero_point or 0)
        return steps * np.float32(self.scale)


@dataclass(frozen=True)
class Hello:
    """A board, its firmware and its model, by the board's own word.

    variant: of a real board one of boards.yaml's or any text; of others, where the firmware runs.
    port: the firmware's port, such as `virtual_m4`, `host`, `arduino`: how time is kept there.
    layers: how many laps a run with layers reports. counters: what the board counts beside time.
    source: what `stream` takes its inputs from; `none` if it cannot.
    sensing: how it senses, None for firmware that does not. recorder: whose raw samples it sends,
    None for firmware that does not. state_bytes: of the model's variables, which live from one
    inference to the next.
    """

    protocol: int
    board: str
    variant: str
    port: str
    firmware: str
    engine: str
    model: str
    sha256: str
    clock_hz: int
    inputs: tuple[WireTensor, ...]
    outputs: tuple[WireTensor, ...]
    labels: tuple[str, ...]
    layers: int
    arena_bytes: int
    sensors: tuple[str, ...]
    source: str
    counters: tuple[str, ...]
    sensing: SensingFacts | None = None
    state_bytes: int = 0
    recorder: RecorderFacts | None = None

    @property
    def audio(self) -> AudioFacts | None:
        """How the firmware listens; None where it does not."""
        return self.sensing if isinstance(self.sensing, AudioFacts) else None

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs."""
        return sum(tensor.bytes for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs."""
        return sum(tensor.bytes for tensor in self.outputs)

    def encode_inputs(self, values: list[NDArray[Any]]) -> bytes:
        """One array an input to what `Session.load` takes. Raises BadInput if they do not fit."""
        if len(values) != len(self.inputs):
            raise BadInput(f"the model has {len(self.inputs)} inputs, not {len(values)}.")
        return b"".join(
            tensor.encode(array) for tensor, array in zip(self.inputs, values, strict=True)
        )

    def decode_outputs(self, data: bytes) -> list[NDArray[Any]]:
        """All outputs' bytes, as a run returns them, to one array an output."""
        if len(data) != self.output_bytes:
            raise BadInput(f"the outputs have {self.output_bytes} B, not {len(data)} B.")
        arrays = []
        start = 0
        for tensor in self.outputs:
            arrays.append(tensor.decode(data[start : start + tensor.bytes]))
            start += tensor.bytes
        return arrays


class HelloParts:
    """Collects the records of `hello` until they are complete.

    Every record has its own CRC, so what is missing from one reply may come from the next one.
    """

    def __init__(self) -> None:
        self._head: Record | None = None
        self._sensing: Record | None = None
        self._parts: dict[str, dict[int, Record]] = {}
        self.heard = False  # any valid record of ours

    def add(self, record: Record) -> bool:
        """Take a record; True if it belongs to `hello`."""
        self.heard = True
        if record.kind == "hello":
            if self._head is None or self._head.fields != record.fields:
                self._parts.clear()  # another board or model: nothing of the old one may stay
                self._sensing = None
            self._head = record
            return True
        if record.kind in facts.KINDS.values():
            self._sensing = record
            return True
        if record.kind in {"input", "output", "label"}:
            self._parts.setdefault(record.kind, {})[record.integer("i")] = record
            return True
        if record.kind == "boot":
            self._head = self._sensing = None
            self._parts.clear()
        return False

    def missing(self) -> str:
        """What has not come yet, for a message."""
        if self._head is None:
            return "ed-hello"
        lacking = [
            f"{announced - len(self._parts.get(kind, ()))} of {announced} ed-{kind}"
            for kind, announced in self._announced(self._head)
            if len(self._parts.get(kind, ())) < announced
        ]
        kind = self._sensing_kind(self._head)
        if kind is not None and self._said(kind) is None:
            lacking.append(f"ed-{kind}")
        return ", ".join(lacking)

    def complete(self) -> Hello | None:
        """The Hello, once all has come. Raises ForeignFirmware for another protocol."""
        head = self._head
        if head is None:
            return None
        protocol = head.integer("protocol")
        if protocol != ED_WIRE_PROTOCOL:
            raise ForeignFirmware(
                f"the board speaks protocol {protocol}, this edge-deploy speaks "
                f"{ED_WIRE_PROTOCOL}.",
                try_next=("edge-deploy flash --board BOARD MODEL  put our firmware on it",),
            )
        rows: dict[str, list[Record]] = {}
        for row, announced in self._announced(head):
            have = self._parts.get(row, {})
            if any(index not in have for index in range(announced)):
                return None
            rows[row] = [have[index] for index in range(announced)]
        kind = self._sensing_kind(head)
        said = None if kind is None else self._said(kind)
        if kind is not None and said is None:
            return None
        sensing = None if said is None else facts.read(said)
        return Hello(
            protocol=protocol,
            board=head.text("board"),
            variant=head.text("variant"),
            port=head.text("port"),
            firmware=head.text("firmware"),
            engine=head.text("engine"),
            model=head.text("model"),
            sha256=head.text("sha256"),
            clock_hz=head.integer("clock_hz"),
            inputs=tuple(_read_tensor(record) for record in rows["input"]),
            outputs=tuple(_read_tensor(record) for record in rows["output"]),
            labels=tuple(record.text("text") for record in rows["label"]),
            layers=head.integer("layers"),
            arena_bytes=head.integer("arena_bytes"),
            sensors=head.names("sensors"),
            source=head.text("source"),
            counters=head.names("counters"),
            state_bytes=head.optional_integer("state_bytes") or 0,
            sensing=sensing if not isinstance(sensing, RecorderFacts) else None,
            recorder=sensing if isinstance(sensing, RecorderFacts) else None,
        )

    def _said(self, kind: str) -> Record | None:
        """The record that says how the firmware senses, if it is of that kind."""
        return self._sensing if self._sensing and self._sensing.kind == kind else None

    @staticmethod
    def _sensing_kind(head: Record) -> str | None:
        """Which record says how the firmware senses; None where it does not."""
        return facts.KINDS.get(head.fields.get("source", ""))

    @staticmethod
    def _announced(head: Record) -> tuple[tuple[str, int], ...]:
        return tuple((kind, head.integer(f"{kind}s")) for kind in ("input", "output", "label"))


def _read_tensor(record: Record) -> WireTensor:
    """An `ed-input` or `ed-output` record. Raises ForeignFirmware if it contradicts itself."""
    dtype = record.text("type")
    shape = record.text("shape")
    size = record.integer("bytes")
    words = shape.split("x") if shape else []  # a scalar has an empty shape
    sides = tuple(int(word) for word in words if word.isdecimal())
    if (
        dtype not in NUMPY_TYPES
        or len(sides) != len(words)
        or size != int(np.prod(sides, dtype=object)) * np.dtype(NUMPY_TYPES[dtype]).itemsize
    ):
        raise ForeignFirmware(
            f"the board's ed-{record.kind} is {dtype[:20]} {shape[:40]} in {size} B."
        )
    return WireTensor(
        name=record.text("name"),
        dtype=dtype,
        shape=sides,
        bytes=size,
        scale=record.optional_float32("scale_bits"),
        zero_point=record.optional_integer("zero_point"),
    )
