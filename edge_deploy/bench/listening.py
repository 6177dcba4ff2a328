"""A passage through a board, to a Track: every score that it made while the passage played.

By its microphone, as it listens by itself, or piece by piece over the wire where the board has
none. Both ways the results are of the same windows. Knows sessions; nothing of how a board is
found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.bench import origins
from edge_deploy.bench.curve import Track
from edge_deploy.bench.decision import Heard, Rule, Scores
from edge_deploy.bench.evaluate import scores_of
from edge_deploy.bench.host import HearingHost
from edge_deploy.bench.passage import Passage
from edge_deploy.errors import BadInput, LinkLost, WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.quantity import Quantity
from edge_deploy.sensing import AudioFeatureSettings
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference, Reading


class Streaming(Protocol):
    """As much of a Session as listens for minutes."""

    @property
    def board(self) -> Hello:
        """What the board said of itself."""

    def forget(self) -> None:
        """Forget all that was heard."""

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Play samples to the board."""

    def decide(self) -> Inference:
        """One inference on the window."""

    def stream(self, n: int | None = None) -> Generator[Reading, None, None]:
        """`n` results from the board's own microphone."""


Progress = Callable[[float, float], None]
"""Called with seconds of sound that were heard, and of how many."""


class Holes(LinkLost):
    """Results of a stream were lost on the way, so its decisions cannot be followed."""


@dataclass(frozen=True)
class Pace:
    """What listening cost. busy_us: features, inference and decision, all results together.

    overruns: strides that were missed; lost: samples that the microphone dropped.
    """

    audio_s: float
    wall_s: float
    busy_us: int
    results: int
    overruns: int
    lost: int
    hello: Hello

    @property
    def faster_than_real_time(self) -> Quantity:
        """Seconds of sound for each second that this computer took."""
        return Quantity(self.audio_s / self.wall_s, "1", "measured:host_clock")

    @property
    def core_share(self) -> Quantity:
        """Share of the board's time that its core was busy with the sound."""
        share = self.busy_us / 1e6 / self.audio_s
        return Quantity(share, "1", origins.of(self.hello).latency)

    def as_json(self) -> dict[str, Any]:
        """The keys below `continuous`."""
        return {
            "audio_s": self.audio_s,
            "wall_s": round(self.wall_s, 3),
            "faster_than_real_time": self.faster_than_real_time.as_json(),
            "core_share": self.core_share.as_json(),
            "results": self.results,
            "overruns": self.overruns,
            "lost_samples": self.lost,
        }


@dataclass(frozen=True)
class Listened:
    """A track and what it cost."""

    track: Track
    pace: Pace


def rule_of(lab: Lab) -> Rule:
    """The rule that the lab's firmware is built with. Raises BadInput for a lab that has none."""
    if lab.decision is None or lab.audio is None:
        raise BadInput(f"lab {lab.name} makes no decisions: its source is no microphone.")
    settings = lab.decision
    samples = settings.hold_off_ms * lab.audio.sample_rate_hz // 1000
    return Rule(
        threshold=settings.threshold,
        smooth=settings.smooth,
        # Whole hops, rounded up: the lab's time is the least.
        hold_off=-(-samples // lab.audio.hop_samples),
        ignore=frozenset(lab.labels.index(name) for name in settings.ignore),
    )


def stride_hops(lab: Lab) -> int:
    """Frames between two results. Raises BadInput for a lab that does not listen."""
    if lab.audio is None:
        raise BadInput(f"lab {lab.name} does not listen: its source is no microphone.")
    samples = lab.source.stride_ms * lab.audio.sample_rate_hz // 1000
    return samples // lab.audio.hop_samples


def results_in(samples: int, settings: AudioFeatureSettings, stride: int) -> int:
    """How many results so many samples give: one for each whole stride of frames."""
    frames = max(0, 1 + (samples - settings.frame_samples) // settings.hop_samples)
    return frames // stride


def by_microphone(
    session: Streaming, passage: Passage, lab: Lab, *, progress: Progress | None = None
) -> Listened:
    """Stream from the board's microphone, into which `passage` plays from its first sample on.

    session: begun. Raises Holes where a result is missing, WrongBoard where scores are.
    """
    settings, stride = _settings(lab), stride_hops(lab)
    wanted = results_in(passage.samples.size, settings, stride)
    seen: list[Inference] = []
    began = time.monotonic()
    with closing(session.stream(_enough(wanted, passage))) as readings:
        for reading in readings:
            if not isinstance(reading, Inference):
                continue
            if reading.n != len(seen):
                raise Holes(
                    f"result {len(seen)} of {wanted} never arrived.",
                    try_next=["run the command again, on another cable or port"],
                )
            if (reading.n + reading.overruns + 1) > wanted:
                break  # overruns took the place of results; what follows is behind the passage
            seen.append(reading)
            if progress is not None:
                frames = (reading.n + reading.overruns + 1) * stride
                progress(frames * settings.hop_samples / passage.rate_hz, passage.seconds)
    return _listened(session, passage, lab, seen, time.monotonic() - began, own=True)


def by_wire(
    session: Streaming, passage: Passage, lab: Lab, *, progress: Progress | None = None
) -> Listened:
    """Play `passage` over the wire, with an inference after each stride of frames.

    The windows are those of `by_microphone`; the decisions are not the board's: it makes none so.
    """
    settings, stride = _settings(lab), stride_hops(lab)
    seen: list[Inference] = []
    began = time.monotonic()
    session.forget()
    at = 0
    for number in range(results_in(passage.samples.size, settings, stride)):
        frames = (number + 1) * stride
        end = settings.frame_samples + (frames - 1) * settings.hop_samples
        session.hear(passage.samples[at:end])
        at = end
        seen.append(session.decide())
        if progress is not None:
            progress(at / passage.rate_hz, passage.seconds)
    return _listened(session, passage, lab, seen, time.monotonic() - began, own=False)


def differing_scores(track: Track, host: HearingHost) -> int:
    """Results whose scores are not those of the host for the same samples."""
    frames = host.frames(track.passage.samples)
    host.forget()
    differing = 0
    for end, output in zip(track.scores.frames, track.scores.outputs, strict=True):
        expected = host.scores(host.window(frames, int(end)))
        differing += not np.array_equal(expected, output)
    return differing


def _settings(lab: Lab) -> AudioFeatureSettings:
    if lab.audio is None:
        raise BadInput(f"lab {lab.name} does not listen: its source is no microphone.")
    return lab.audio


def _enough(wanted: int, passage: Passage) -> int:
    if wanted < 1:
        raise BadInput(f"{passage.name} plays {passage.seconds:.2f} s: too short for one result.")
    return wanted


def _listened(
    session: Streaming,
    passage: Passage,
    lab: Lab,
    seen: list[Inference],
    wall_s: float,
    *,
    own: bool,
) -> Listened:
    """own: the results are the board's own stream, with its own decisions and its own overruns."""
    stride = stride_hops(lab)
    output = session.board.outputs[0]
    if output.scale is None or output.zero_point is None or output.dtype != "int8":
        raise WrongBoard(f"the board's output is {output.dtype} without a scale; int8 is wanted.")
    overruns = [reading.overruns if own else 0 for reading in seen]
    frames = [(n + missed + 1) * stride for n, missed in enumerate(overruns)]
    rows = [scores_of(reading, len(lab.labels)) for reading in seen]
    scores = Scores(
        np.array(frames, np.int64),
        np.stack(rows) if rows else np.zeros((0, len(lab.labels)), np.int8),
        output.scale,
        output.zero_point,
    )
    heard = tuple(
        # Readings keep as many digits as tell a binary32 from its neighbours: back to its bits.
        Heard(n, frames[n], reading.heard, float(np.float32(reading.score or 0.0)))
        for n, reading in enumerate(seen)
        if reading.heard is not None
    )
    pace = Pace(
        audio_s=passage.seconds,
        wall_s=wall_s,
        busy_us=sum(reading.end_to_end_us for reading in seen),
        results=len(seen),
        overruns=overruns[-1] if overruns else 0,
        lost=(seen[-1].lost or 0) if seen and own else 0,
        hello=session.board,
    )
    return Listened(Track(passage, scores, heard if own else None), pace)
