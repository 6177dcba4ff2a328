"""Raw samples of a board's sensor as arrays, with what is missing between them.

Turns the records `ed-raw` of docs/wire.md into samples: a damaged record is a gap of known length,
and so is what the sensor dropped. Knows nothing about links, files or what samples show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.telemetry.facts import CAMERA, IMU, RecorderFacts
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.wire import BadRecord, Record


@dataclass(frozen=True)
class RawSamples:
    """Samples that lie side by side in time.

    samples: of a microphone (n,) int16; of an IMU (n, axes) int16, in the units of docs/wire.md,
    "Sensing"; of a camera one whole frame, (height, width) uint8.
    number: of the first sample (of a camera: of the frame) since `raw on`, from 0, counting all
    that the sensor took: what lies between two RawSamples is missing.
    dropped: how many samples (frames) before these the sensor dropped since the last RawSamples,
    because nobody took them in time. damaged: how many were damaged on the way.
    """

    samples: NDArray[np.int16] | NDArray[np.uint8]
    number: int
    dropped: int = 0
    damaged: int = 0

    @property
    def missing(self) -> int:
        """Samples (frames) between the last RawSamples and these."""
        return self.dropped + self.damaged


class RawReader:
    """Puts the records of one `raw on` together."""

    def __init__(self, recorder: RecorderFacts) -> None:
        self._recorder = recorder
        self.taken = 0  # samples (frames) so far, with those that were damaged
        self._next = 0  # the number after the last sample that was given out
        self._lost = 0  # what the sensor had dropped by then
        self._frame = bytearray()  # camera: its pixels so far
        self._frame_number = -1

    def add(self, record: Record) -> RawSamples | None:
        """The samples that an `ed-raw` completes, if any. Raises BadRecord for one that is none."""
        number, lost, data = record.integer("n"), record.integer("lost"), record.raw("hex")
        size = self._recorder.sample_bytes
        if not data or len(data) % size or number < 0 or lost < 0:
            raise BadRecord(f"the board's ed-raw has {len(data)} B from sample {number} on.")
        if self._recorder.sensor == CAMERA:
            return self._add_pixels(number, lost, data)
        samples = np.frombuffer(data, "<i2").astype(np.int16)
        if self._recorder.sensor == IMU:
            samples = samples.reshape(-1, self._recorder.axes)
        return self._give(samples, number, lost)

    def _add_pixels(self, number: int, lost: int, data: bytes) -> RawSamples | None:
        pixels = self._recorder.width * self._recorder.height
        frame, place = divmod(number, pixels)
        if place + len(data) > pixels:
            raise BadRecord(f"the board's ed-raw has pixels of two frames, from {number} on.")
        if place == 0:
            self._frame_number = frame
            self._frame.clear()
        if frame != self._frame_number or place != len(self._frame):
            self._frame_number = -1  # a piece of it is missing: the frame is
            return None
        self._frame += data
        if len(self._frame) < pixels:
            return None
        shape = self._recorder.height, self._recorder.width
        return self._give(np.frombuffer(bytes(self._frame), np.uint8).reshape(shape), frame, lost)

    def _give(self, samples: NDArray[Any], number: int, lost: int) -> RawSamples | None:
        gap = number - self._next
        if gap < 0:
            return None  # said again
        dropped = min(gap, max(0, lost - self._lost))
        count = 1 if self._recorder.sensor == CAMERA else len(samples)
        self._next = number + count
        self._lost = lost
        self.taken += gap - dropped + count
        return RawSamples(samples, number, dropped, gap - dropped)


class NotRecording(BadInput):
    """The firmware on the board does not send raw samples."""


def recorder_of(hello: Hello) -> RecorderFacts:
    """How the firmware records. Raises NotRecording where it does not."""
    if hello.recorder is None:
        raise NotRecording(f"the firmware on this board runs {hello.model} and does not record.")
    return hello.recorder


def patience_s_of(recorder: RecorderFacts) -> float:
    """How long the sensor may say nothing, because that is its pace: a few frames, or samples."""
    pace_s = recorder.period_ms / 1000 if recorder.sensor == CAMERA else 1 / recorder.rate_hz
    return 4 * pace_s
