"""What a stream came to so far: the latest result, what was decided, the figures' middle.

Takes readings, from a board or from a recording alike; every view and the summary ask here. Knows
nothing of terminals.
"""

from __future__ import annotations

import collections
import statistics
from dataclasses import dataclass

from edge_deploy.bench import origins
from edge_deploy.cli import senses
from edge_deploy.telemetry.readings import Inference, LinkHealth, Power, Reading
from edge_deploy.telemetry.recording import Header

# Results whose scores are kept for a trace: as many as a wide terminal has columns.
_RECENT = 240


@dataclass(frozen=True)
class Heard:
    """One label that the board decided on. at_s: seconds since the stream began."""

    word: str
    at_s: float
    confidence: float


class Tally:
    """Counts what `add` is given. header: of the recording, which says what the numbers mean.

    latest: the last inference; power: the last sample of the meter; link: what was damaged.
    recent: scores of the last inferences, oldest first; a row each of as many as there are labels.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.latest: Inference | None = None
        self.power: Power | None = None
        self.link = LinkHealth()
        self.heard: list[Heard] = []
        self.recent: collections.deque[tuple[float, ...]] = collections.deque(maxlen=_RECENT)
        self.inferences = 0
        self.wrapped_overruns = 0  # of streams that the board began again
        self._stages_us: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._energies_nj: list[int] = []
        self._began_us: float | None = None

    def add(self, reading: Reading) -> None:
        """Take one reading, in the order in which they came."""
        if isinstance(reading, Inference):
            self._add_inference(reading)
        elif isinstance(reading, Power):
            self.power = reading
        elif isinstance(reading, LinkHealth):
            self.link = reading

    def _add_inference(self, reading: Inference) -> None:
        if self.latest is not None and reading.n <= self.latest.n:
            self.wrapped_overruns += self.latest.overruns  # the stream was begun again
            self._began_us = None
            self.recent.clear()
        if self._began_us is None:
            self._began_us = reading.t_us - self._sensed_us(reading)
        self.latest = reading
        self.inferences += 1
        stages = (reading.dsp_us, reading.inference_us, reading.post_us)
        for values, value in zip(self._stages_us, stages, strict=True):
            values.append(value)
        if reading.counts.energy_nj is not None:
            self._energies_nj.append(reading.counts.energy_nj)
        if reading.scores is not None:
            self.recent.append(reading.scores)
        if reading.heard is not None:
            word = self.label(reading.heard)
            self.heard.append(Heard(word, self.at_s(reading), reading.score or 0.0))

    def _sensed_us(self, reading: Inference) -> float:
        """How much had been sensed by that result, if nothing was lost; 0 for other sources."""
        sensing = self.header.sensing
        if sensing is None:
            return 0.0
        return senses.sensed_us(sensing, reading.n + reading.overruns + 1)

    def label(self, index: int) -> str:
        """The name of an output."""
        labels = self.header.labels
        return labels[index] if 0 <= index < len(labels) else f"output {index}"

    def at_s(self, reading: Inference) -> float:
        """When: since the sensor was switched on, otherwise by the board's clock."""
        if self.header.sensing is None or self._began_us is None:
            return reading.t_us / 1e6
        return (reading.t_us - self._began_us) / 1e6

    @property
    def threshold(self) -> float | None:
        """Of a model whose one score says how unusual what it senses is; None for others."""
        sensing = self.header.sensing
        return sensing.threshold if sensing is not None and len(self.header.labels) == 1 else None

    @property
    def smoothed(self) -> float | None:
        """The mean of the last first scores, as decisions have it; None until there are enough."""
        sensing = self.header.sensing
        if sensing is None or len(self.recent) < sensing.smooth:
            return None
        return statistics.fmean(scores[0] for scores in list(self.recent)[-sensing.smooth :])

    @property
    def lost_what(self) -> str:
        """What the sensor drops where it drops something."""
        sense = senses.of(self.header.source)
        return "samples" if sense is None else sense.lost

    @property
    def overruns(self) -> int:
        """Inputs that the board had to skip."""
        return self.wrapped_overruns + (self.latest.overruns if self.latest else 0)

    @property
    def lost_samples(self) -> int | None:
        """Samples (of a camera: frames) that the sensor dropped; None where there is none."""
        return self.latest.lost if self.latest else None

    @property
    def stages_us(self) -> tuple[float, float, float] | None:
        """The middle dsp, inference and post; None before the first inference."""
        if not self.inferences:
            return None
        dsp, inference, post = (float(statistics.median(values)) for values in self._stages_us)
        return dsp, inference, post

    @property
    def energy_uj(self) -> float | None:
        """The middle energy of an inference, where it is known."""
        return statistics.median(self._energies_nj) / 1000 if self._energies_nj else None

    def core_share(self, busy_us: float) -> float | None:
        """What part of the core's time so long a result takes; None where that is not known.

        A board whose core has no emulator is virtual as a program of this computer: its time
        says nothing about the board.
        """
        sensing = self.header.sensing
        if sensing is None or (self.header.on == "virtual" and self.header.port == "host"):
            return None
        return busy_us / sensing.stride_us

    def summary(self) -> list[str]:
        """What a person wants to know at the end, a line each."""
        stages = self.stages_us
        if stages is None or self.latest is None:
            return ["No inference came."]
        origin = origins.of(self.header)
        split = ", ".join(
            f"{name} {value:,.0f}"
            for name, value in zip(("dsp", "inference", "post"), stages, strict=True)
        )
        median = f"median {sum(stages):,.0f} us ({split}; {origin.latency})"
        lines = [f"{self.inferences} inferences, {median}."]
        costs = []
        if (energy_uj := self.energy_uj) is not None:
            costs.append(f"{energy_uj:,.2f} uJ an inference ({origin.energy})")
        if (share := self.core_share(sum(stages))) is not None:
            costs.append(f"{percent(share)} of the core ({origin.latency})")
        if costs:
            lines.append(", ".join(costs) + ".")
        lost = ""
        if self.lost_samples is not None:
            lost = f"{self.lost_samples:,} {self.lost_what} lost, "
        lines.append(
            f"{self.overruns} overruns, {lost}{self.link.lost_records} records lost, "
            f"{self.link.corrupt_lines} corrupt lines."
        )
        return lines


def percent(share: float) -> str:
    """A share of the core's time: `46.8 %`, `0.04 %`."""
    value = 100 * share
    return f"{value:.1f} %" if value >= 1 else f"{value:.2f} %"
