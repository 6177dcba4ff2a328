"""What a board reports, typed: inferences, power samples, laps, log lines; to JSON and back.

A count that the board does not keep is None here and absent in JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from edge_deploy.errors import BadInput
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.wire import Record


@dataclass(frozen=True, slots=True)
class Counts:
    """What one run, one layer or one streamed inference cost, by the board's own counters.

    cycles: with zero wait states; cycles_board: with the board's flash wait states as well.
    """

    cycles: int | None = None
    cycles_board: int | None = None
    instructions: int | None = None
    energy_nj: int | None = None

    @classmethod
    def of(cls, record: Record) -> Counts:
        """The counters in a record; None for each that is not there."""
        return cls(
            record.optional_integer("cycles"),
            record.optional_integer("cycles_board"),
            record.optional_integer("instructions"),
            record.optional_integer("energy_nj"),
        )


NO_COUNTS = Counts()


@dataclass(frozen=True, slots=True)
class Lap:
    """One run of the loaded input. us: on the board's own clock."""

    kind: ClassVar[str] = "lap"

    run: int
    us: int
    counts: Counts = NO_COUNTS


@dataclass(frozen=True, slots=True)
class LayerLap:
    """One layer of one run. layer: its position in the generated code, from 0."""

    kind: ClassVar[str] = "layer"

    run: int
    layer: int
    us: int
    counts: Counts = NO_COUNTS


@dataclass(frozen=True, slots=True)
class Inference:
    """One inference of a stream, or the one that `decide` asks for.

    t_us: when it began, by the board's clock; dsp_us, inference_us, post_us: its three parts.
    overruns: inputs that the board had to skip so far, being busy.
    lost: samples (of a camera: frames) that the sensor dropped so far.
    input, output: the dense tensors, where they are short enough for the wire (64 B).
    scores: the real values of `output`. top: the index of the largest of this inference alone,
    top_score its real value. heard, score: the label of a decision and its smoothed score.
    """

    kind: ClassVar[str] = "inference"

    n: int
    t_us: int
    dsp_us: int
    inference_us: int
    post_us: int
    overruns: int = 0
    counts: Counts = NO_COUNTS
    input: bytes | None = None
    output: bytes | None = None
    scores: tuple[float, ...] | None = None
    top: int | None = None
    top_score: float | None = None
    heard: int | None = None
    score: float | None = None
    lost: int | None = None

    @property
    def end_to_end_us(self) -> int:
        """Features, inference and post-processing together."""
        return self.dsp_us + self.inference_us + self.post_us


@dataclass(frozen=True, slots=True)
class Power:
    """One sample of the board's meter: the mean current since the last one, energy since boot."""

    kind: ClassVar[str] = "power"

    t_us: int
    current_ua: int
    voltage_mv: int
    energy_nj: int | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A line of text that the board printed, without proof that it arrived whole."""

    kind: ClassVar[str] = "log"

    text: str


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """What the link has damaged since the session began; a reading whenever it has grown."""

    kind: ClassVar[str] = "link"

    lost_records: int = 0
    corrupt_lines: int = 0
    retries: int = 0


Reading = Inference | Power | Lap | LayerLap | Log | LinkHealth

_KINDS: Mapping[str, type[Any]] = {
    reading.kind: reading for reading in (Inference, Power, Lap, LayerLap, Log, LinkHealth)
}

_BYTES = {"input", "output"}
_REALS = {"top_score", "score"}


def read_inference(record: Record, outputs: tuple[WireTensor, ...] = ()) -> Inference:
    """An `ed-result` record. outputs: of the model; its scores are known where there is one."""
    output = record.optional_raw("out")
    scores = None
    if output is not None and len(outputs) == 1 and len(output) == outputs[0].bytes:
        tensor = outputs[0]
        scores = tuple(map(_short, tensor.dequantize(tensor.decode(output)).reshape(-1)))
    return Inference(
        n=record.integer("n"),
        t_us=record.integer("t_us"),
        dsp_us=record.integer("dsp_us"),
        inference_us=record.integer("inference_us"),
        post_us=record.integer("post_us"),
        overruns=record.optional_integer("overruns") or 0,
        counts=Counts.of(record),
        input=record.optional_raw("in"),
        output=output,
        scores=scores,
        top=record.optional_integer("top"),
        top_score=_real(record, "top_bits"),
        heard=record.optional_integer("heard"),
        score=_real(record, "score_bits"),
        lost=record.optional_integer("lost"),
    )


def _real(record: Record, key: str) -> float | None:
    value = record.optional_float32(key)
    return None if value is None else _short(value)


def _short(value: float) -> float:
    """A binary32 in as many digits as it takes to tell it from its neighbours."""
    return float(f"{value:.9g}")


def read_power(record: Record) -> Power:
    """An `ed-power` record."""
    return Power(
        t_us=record.integer("t_us"),
        current_ua=record.integer("current_ua"),
        voltage_mv=record.integer("voltage_mv"),
        energy_nj=record.optional_integer("energy_nj"),
    )


def to_json(reading: Reading) -> dict[str, Any]:
    """One reading as a flat JSON object: `kind` first, byte strings as hex, no nulls."""
    flat: dict[str, Any] = {"kind": reading.kind}
    for field in dataclasses.fields(reading):
        value = getattr(reading, field.name)
        if isinstance(value, Counts):
            for counter in dataclasses.fields(value):
                count = getattr(value, counter.name)
                if count is not None:
                    flat[counter.name] = count
        elif isinstance(value, bytes):
            flat[field.name] = value.hex()
        elif isinstance(value, tuple):
            flat[field.name] = list(value)
        elif value is not None:
            flat[field.name] = value
    return flat


def from_json(flat: Mapping[str, Any]) -> Reading:
    """The reading that `to_json` wrote. Raises BadInput if it is not one."""
    kind = _KINDS.get(str(flat.get("kind")))
    if kind is None:
        raise BadInput(f"not a reading: kind {flat.get('kind')!r} is unknown.")
    values: dict[str, Any] = {}
    try:
        for field in dataclasses.fields(kind):
            if field.name == "counts":
                values["counts"] = Counts(
                    **{
                        counter.name: int(flat[counter.name])
                        for counter in dataclasses.fields(Counts)
                        if counter.name in flat
                    }
                )
            elif field.name in flat:
                values[field.name] = _value(field.name, flat[field.name])
        reading: Reading = kind(**values)
    except (TypeError, ValueError) as wrong:
        raise BadInput(f"not a reading of kind {kind.kind}: {wrong}.") from None
    return reading


def _value(name: str, value: object) -> int | float | str | bytes | tuple[float, ...]:
    if name == "text":
        return str(value)
    if name in _BYTES:
        return bytes.fromhex(str(value))
    if name in _REALS:
        return _number(name, value)
    if name == "scores":
        if not isinstance(value, list):
            raise TypeError(f"{name} is {value!r}")
        return tuple(_number(name, each) for each in value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}")
    return float(value)
