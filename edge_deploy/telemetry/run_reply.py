"""The records that answer `run`, put together and proved: a RunResult, or what is wrong with them.

A result is only made of a reply that is whole: every lap and every layer once and in order, the
outputs of the announced size and CRC, the input the one that was loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.telemetry.failures import Damaged
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Counts, Lap, LayerLap
from edge_deploy.telemetry.wire import Record, crc


@dataclass(frozen=True)
class RunResult:
    """What `run` measured, and what the last run computed.

    laps: one a run, in order. layers: one tuple a run, with one LayerLap a layer; empty if not
    asked for. output: all outputs as dense bytes, in the order of `Hello.outputs`.
    stack_bytes: the peak since boot; None where the board cannot tell. since: inferences since
    the model's variables were reset, with those of a reply that was damaged and asked for again;
    None for a model without variables.
    """

    laps: tuple[Lap, ...]
    layers: tuple[tuple[LayerLap, ...], ...]
    output: bytes
    stack_bytes: int | None
    since: int | None = None


class RunReply:
    """Takes the records of one `run` as they come.

    loaded: the input that the board should have had; None if another session loaded it.
    """

    def __init__(self, hello: Hello, *, runs: int, layers: bool, loaded: bytes | None) -> None:
        self._hello = hello
        self._runs = runs
        self._layers_a_run = hello.layers if layers else 0
        self._loaded = loaded
        self._laps: list[Lap] = []
        self._layers: list[list[LayerLap]] = []
        self._pieces: list[Record] = []
        self._result: RunResult | None = None

    def add(self, record: Record) -> bool:
        """Take a record; True if it belongs to the reply. Raises Damaged, BadRecord."""
        if record.kind == "run":
            self._add_lap(Lap(record.integer("run"), record.integer("us"), Counts.of(record)))
        elif record.kind == "layer":
            self._add_layer(
                LayerLap(
                    record.integer("run"),
                    record.integer("layer"),
                    record.integer("us"),
                    Counts.of(record),
                )
            )
        elif record.kind == "out":
            if len(self._pieces) > self._hello.output_bytes:  # a piece has a byte at least
                raise Damaged("more outputs came than the model has")
            self._pieces.append(record)
        elif record.kind == "done":
            self._result = self._prove(record)
        else:
            return False
        return True

    @property
    def done(self) -> bool:
        """True once `ed-done` has come and all is proved."""
        return self._result is not None

    @property
    def result(self) -> RunResult:
        """The proved result; only once `done`."""
        if self._result is None:
            raise RuntimeError("the reply is not done")
        return self._result

    def where(self, what: str) -> str:
        """`what` happened, and how far the reply had come."""
        return f"{what} after {len(self._laps)} of {self._runs} runs"

    def _add_lap(self, lap: Lap) -> None:
        if lap.run != len(self._laps) or lap.run >= self._runs:
            raise Damaged(f"run {lap.run} came where run {len(self._laps)} was due")
        self._check_layers()
        self._laps.append(lap)
        self._layers.append([])

    def _add_layer(self, layer: LayerLap) -> None:
        here = len(self._layers) - 1
        if (
            layer.run != here
            or layer.layer != len(self._layers[here])
            or layer.layer >= self._layers_a_run
        ):
            raise Damaged(f"layer {layer.layer} of run {layer.run} came out of its order")
        self._layers[here].append(layer)

    def _check_layers(self) -> None:
        """The last run's layers must have come by now."""
        if self._layers and len(self._layers[-1]) != self._layers_a_run:
            raise Damaged(
                f"{len(self._layers[-1])} of {self._layers_a_run} layers came "
                f"of run {len(self._layers) - 1}"
            )

    def _prove(self, done: Record) -> RunResult:
        self._check_layers()
        if done.integer("runs") != self._runs or len(self._laps) != self._runs:
            raise Damaged(f"{len(self._laps)} of {self._runs} runs came")
        if self._loaded is not None and done.text("in_crc") != f"{crc(self._loaded):08x}":
            raise Damaged("the board ran on another input than the one that was loaded")
        output = self._join_output()
        if done.text("out_crc") != f"{crc(output):08x}":
            raise Damaged("the outputs' CRC is not the one that the board computed")
        return RunResult(
            tuple(self._laps),
            tuple(map(tuple, self._layers)) if self._layers_a_run else (),
            output,
            done.optional_integer("stack_bytes"),
            done.optional_integer("since"),
        )

    def _join_output(self) -> bytes:
        outputs = [bytearray() for _ in self._hello.outputs]
        for piece in self._pieces:
            i = piece.integer("i")
            if not 0 <= i < len(outputs) or piece.integer("off") != len(outputs[i]):
                raise Damaged("a piece of the outputs came out of its order")
            outputs[i] += piece.raw("hex")
        for output, tensor in zip(outputs, self._hello.outputs, strict=True):
            if len(output) != tensor.bytes:
                raise Damaged(f"{len(output)} of {tensor.bytes} B of an output came")
        return b"".join(outputs)
