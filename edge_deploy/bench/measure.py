"""What a model costs on a board: latency, cycles, memory, energy, as a whole and by layer.

Runs a Session and sums up its laps; what the board does not count is absent from the result.
The cycles, instructions and energy given are those of one run, the (lower) median one, so that
they belong together and the layers of `profile` sum to them exactly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from edge_deploy import __version__
from edge_deploy.artifact import Manifest
from edge_deploy.bench import origins
from edge_deploy.bench.statistics import Summary, middle, summarize
from edge_deploy.bench.verify import random_inputs
from edge_deploy.errors import WrongBoard
from edge_deploy.quantity import Quantity
from edge_deploy.telemetry.failures import BoardRefused
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Counts, Inference, Lap, LayerLap
from edge_deploy.telemetry.session import Session

DEFAULT_RUNS = 20
DEFAULT_WARMUP = 3

STAGES = ("dsp", "inference", "post", "end_to_end")

RECORDS_PER_COMMAND = 500
"""Laps asked for at once: one damaged record repeats one command and not the whole measurement.
The board prints a record between any two runs anyway, so a new command disturbs no more."""

STAGED_INFERENCES = 10
"""Taken from the board's own source, to see features and post-processing beside inference. Few,
because a real board's source keeps its own pace."""


class LayersDoNotSum(WrongBoard):
    """The laps of a run's layers leave something of the run out, or count it twice."""


class LayerFacts(Protocol):
    """What the compiler knows of a layer: `edge_deploy.compiler` gives such."""

    @property
    def index(self) -> int:
        """Of the (first) operator in the .tflite."""

    @property
    def operator(self) -> str:
        """Its name, such as `CONV_2D`."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates as the model defines them."""


@dataclass(frozen=True)
class Layer:
    """One layer of the run that stands for all. operator, macs: None where nobody knows them."""

    index: int
    operator: str | None
    macs: int | None
    us: int
    counts: Counts


@dataclass(frozen=True)
class BenchResult:
    """What was measured.

    inference_us: of all runs; stages_us: dsp, post, end_to_end, where the board has a source.
    lap: the median run. layers: of that run, empty unless profiled.
    manifest: of what was flashed, None if unknown.
    """

    hello: Hello
    on: str
    runs: int
    warmup: int
    inference_us: Summary
    stages_us: dict[str, Summary]
    lap: Lap
    layers: tuple[Layer, ...]
    stack_bytes: int | None
    manifest: Manifest | None

    @property
    def timed(self) -> bool:
        """False where the board's time is not known, and only the clock of a stand-in is.

        A board whose core has no emulator is virtual as the firmware's host port: exact in its
        outputs, but the time that this computer takes says nothing about the board.
        """
        return not (self.on == "virtual" and self.hello.port == "host")

    @property
    def latency_us(self) -> dict[str, Summary]:
        """The stages whose time is known, in order; `inference` is over all runs."""
        if not self.timed:
            return {}
        known = {"inference": self.inference_us, **self.stages_us}
        return {stage: known[stage] for stage in STAGES if stage in known}

    @property
    def noisy(self) -> bool:
        """True if the runs scatter by more than 5 %."""
        return self.timed and self.inference_us.noisy

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Every single quantity that is known, by its JSON key."""
        known = _count_quantities(self.lap.counts, self.hello) if self.timed else {}
        hello, manifest = self.hello, self.manifest
        known["arena_bytes"] = Quantity(hello.arena_bytes, "B", origins.ARENA)
        if self.stack_bytes is not None:
            known["stack_bytes"] = Quantity(self.stack_bytes, "B", origins.STACK)
        if manifest is not None:
            for key, value, origin in (
                ("ram_bytes", manifest.ram_bytes, origins.IMAGE),
                ("code_bytes", manifest.code_bytes, origins.IMAGE),
                ("model_code_bytes", manifest.model_code_bytes, origins.MODEL_OBJECT),
                ("weights_bytes", manifest.weights_bytes, origins.WEIGHTS),
            ):
                if value is not None:
                    known[key] = Quantity(value, "B", origin)
        return known

    def as_json(self) -> dict[str, Any]:
        """The keys of `bench --json`; with `layers` those of `profile --json`."""
        hello = self.hello
        origin = origins.of(hello)
        result: dict[str, Any] = {
            "model": {"name": hello.model, "sha256": hello.sha256},
            "board": hello.board,
            "on": self.on,
            "engine": hello.engine,
            "firmware": hello.firmware,
            "tool_version": __version__,
            "clock_hz": hello.clock_hz,
            "batch": 1,
            "runs": self.runs,
            "warmup": self.warmup,
            "noisy": self.noisy,
            "latency_us": {
                stage: {**summary.as_json(), "origin": origin.latency}
                for stage, summary in self.latency_us.items()
            },
            **{key: quantity.as_json() for key, quantity in self.quantities.items()},
        }
        if self.manifest is not None:
            result["toolchain"] = self.manifest.toolchain
        if self.layers:
            result["layers"] = [_layer_json(layer, hello, self.timed) for layer in self.layers]
        return result


def bench(
    session: Session,
    *,
    on: str,
    runs: int = DEFAULT_RUNS,
    warmup: int = DEFAULT_WARMUP,
    seed: int = 0,
    manifest: Manifest | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BenchResult:
    """Measure `runs` runs of one seeded random input, after `warmup` that do not count.

    session: begun. progress: called with (done, of).
    """
    laps, _, stack_bytes = _measure(session, runs, warmup, seed, progress, layers=False)
    return BenchResult(
        hello=session.board,
        on=on,
        runs=runs,
        warmup=warmup,
        inference_us=summarize([lap.us for lap in laps]),
        stages_us=_measure_stages(session),
        lap=laps[_median_run(laps)],
        layers=(),
        stack_bytes=stack_bytes,
        manifest=manifest,
    )


def profile(
    session: Session,
    *,
    on: str,
    facts: Sequence[LayerFacts] = (),
    runs: int = DEFAULT_RUNS,
    warmup: int = DEFAULT_WARMUP,
    seed: int = 0,
    manifest: Manifest | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BenchResult:
    """Measure as `bench` does, and each layer.

    facts: what the compiler knows of the layers, in order; empty for a board whose model was
    not compiled here. Raises LayersDoNotSum, and WrongBoard if `facts` are another model's.
    """
    hello = session.board
    if facts and len(facts) != hello.layers:
        raise WrongBoard(f"the board has {hello.layers} layers, the compiled model {len(facts)}.")
    laps, layers, stack_bytes = _measure(session, runs, warmup, seed, progress, layers=True)
    for lap, laps_of_layers in zip(laps, layers, strict=True):
        check_sum(lap, laps_of_layers)
    chosen = _median_run(laps)
    return BenchResult(
        hello=hello,
        on=on,
        runs=runs,
        warmup=warmup,
        inference_us=summarize([lap.us for lap in laps]),
        stages_us=_measure_stages(session),
        lap=laps[chosen],
        layers=tuple(
            Layer(
                index=facts[i].index if facts else i,
                operator=facts[i].operator if facts else None,
                macs=facts[i].macs if facts else None,
                us=lap.us,
                counts=lap.counts,
            )
            for i, lap in enumerate(layers[chosen])
        ),
        stack_bytes=stack_bytes,
        manifest=manifest,
    )


def check_sum(lap: Lap, layers: Sequence[LayerLap]) -> None:
    """Raise LayersDoNotSum unless the layers make up the run exactly, by every counter."""
    for name in ("us", *_COUNTERS):
        whole = _value(lap, name)
        parts = [_value(layer, name) for layer in layers]
        if all(part is None for part in parts):
            continue  # counted for the whole alone, such as energy, or not at all
        total = sum(part for part in parts if part is not None)
        if None in parts or total != whole:
            raise LayersDoNotSum(
                f"the layers of a run sum to {total:,} {name}, the run has "
                f"{'none' if whole is None else format(whole, ',')}."
            )


_COUNTERS = tuple(field.name for field in dataclasses.fields(Counts))


def _value(lap: Lap | LayerLap, name: str) -> int | None:
    value: int | None = lap.us if name == "us" else getattr(lap.counts, name)
    return value


def _measure(
    session: Session,
    runs: int,
    warmup: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
    *,
    layers: bool,
) -> tuple[list[Lap], list[tuple[LayerLap, ...]], int | None]:
    hello = session.board
    if hello.state_bytes:
        session.forget()
    session.load(hello.encode_inputs(random_inputs(hello.inputs, 0, seed)))
    at_once = max(1, RECORDS_PER_COMMAND // (1 + (hello.layers if layers else 0)))
    laps: list[Lap] = []
    layer_laps: list[tuple[LayerLap, ...]] = []
    stack_bytes: int | None = None
    while len(laps) < runs:
        result = session.run(
            min(at_once, runs - len(laps)), warmup if not laps else 0, layers=layers
        )
        laps += result.laps
        layer_laps += result.layers
        stack_bytes = result.stack_bytes
        if progress is not None:
            progress(len(laps), runs)
    return laps, layer_laps, stack_bytes


def _measure_stages(session: Session) -> dict[str, Summary]:
    """dsp, post and end_to_end from the board's own source.

    Nothing where it has none, or has not the sensor that the lab wants, as the host port.
    """
    if session.board.source == "none":
        return {}
    try:
        with closing(session.stream(STAGED_INFERENCES)) as stream:
            seen = [reading for reading in stream if isinstance(reading, Inference)]
    except BoardRefused as refused:
        if refused.code != "no-source":
            raise
        return {}
    if not seen:
        return {}
    return {
        "dsp": summarize([reading.dsp_us for reading in seen]),
        "post": summarize([reading.post_us for reading in seen]),
        "end_to_end": summarize([reading.end_to_end_us for reading in seen]),
    }


def _median_run(laps: Sequence[Lap]) -> int:
    """Position of the median run: by cycles where they are counted, otherwise by time."""
    cycles = [lap.counts.cycles for lap in laps if lap.counts.cycles is not None]
    return middle(cycles if len(cycles) == len(laps) else [lap.us for lap in laps])


def _count_quantities(counts: Counts, hello: Hello) -> dict[str, Quantity]:
    origin = origins.of(hello)
    known: dict[str, Quantity] = {}
    if counts.cycles is not None:
        known["cycles"] = Quantity(counts.cycles, "cycles", origin.cycles)
    if counts.cycles_board is not None:
        known["cycles_board"] = Quantity(counts.cycles_board, "cycles", origin.cycles)
    if counts.instructions is not None:
        known["instructions"] = Quantity(counts.instructions, "instructions", origin.cycles)
    if counts.energy_nj is not None:
        known["energy_uj"] = Quantity(counts.energy_nj / 1000, "uJ", origin.energy)
    return known


def _layer_json(layer: Layer, hello: Hello, timed: bool) -> dict[str, Any]:
    flat: dict[str, Any] = {"index": layer.index}
    if layer.operator is not None:
        flat["operator"] = layer.operator
    if layer.macs is not None:
        flat["macs"] = layer.macs
    if timed:
        flat["us"] = Quantity(layer.us, "us", origins.of(hello).latency).as_json()
        for key, quantity in _count_quantities(layer.counts, hello).items():
            flat[key] = quantity.as_json()
    return flat
