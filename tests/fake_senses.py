"""What the board of fake_device.py senses: sound, motion, pictures, and raw samples of any.

Each makes the window of its samples as docs/wire.md and docs/features.md have it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FakeAudio:
    """How the fake firmware listens: a frame's feature is a sum that any change would change."""

    rate_hz: int = 16000
    frame: int = 480
    hop: int = 320
    bins: int = 5
    frames: int = 7
    stride: int = 3
    threshold: float = 0.5
    smooth: int = 2
    hold_off: int = 9
    ignore: tuple[int, ...] = (0,)

    source = "microphone"
    sample_bytes = 2

    def said(self) -> tuple[str, dict[str, object]]:
        """The record of `hello`."""
        return "audio", {
            "kind": "mfcc", "rate_hz": self.rate_hz, "frame": self.frame, "hop": self.hop,
            "fft": 512, "mel": 40, "bins": self.bins, "frames": self.frames,
            "stride": self.stride, **decision_fields(self),
        }  # fmt: skip

    def room(self, heard: bytes) -> int:
        """How many bytes `hear` takes now."""
        return 3200

    def count(self, heard: bytes) -> int:
        """Frames."""
        return max(0, (len(heard) // 2 - self.frame) // self.hop + 1)

    def window(self, heard: bytes) -> bytes:
        """Of raw samples as they came."""
        return self.clip(np.frombuffer(heard, "<i2").astype(np.int16))

    def features(self, samples: NDArray[np.int16]) -> bytes:
        """One frame, (frame,) int16, to `bins` bytes."""
        values = samples.astype(np.int64) * np.arange(1, self.frame + 1)
        return bytes(int((values * (j + 1)).sum()) % 251 for j in range(self.bins))

    def clip(self, samples: NDArray[np.int16]) -> bytes:
        """The window after so many samples, from scratch."""
        count = max(0, (len(samples) - self.frame) // self.hop + 1)
        frames = [self.features(np.zeros(self.frame, np.int16))] * self.frames
        frames += [
            self.features(samples[i * self.hop : i * self.hop + self.frame]) for i in range(count)
        ]
        return b"".join(frames[-self.frames :])


@dataclass(frozen=True)
class FakeMotion:
    """How the fake firmware follows motion: the low bytes of the last samples."""

    axes: int = 6
    samples: int = 6
    rate_hz: int = 119
    stride: int = 3
    threshold: float = 0.5
    smooth: int = 2
    hold_off: int = 9

    source = "imu"

    @property
    def sample_bytes(self) -> int:
        return 2 * self.axes

    def said(self) -> tuple[str, dict[str, object]]:
        """The record of `hello`."""
        return "motion", {
            "kind": "motion", "rate_hz": self.rate_hz, "axes": self.axes,
            "samples": self.samples, "stride": self.stride, "average": 1, "remove_mean": 1,
            "accel_bits": float_bits(4.0),
            **({"gyro_bits": float_bits(500.0)} if self.axes == 6 else {}),
            **decision_fields(self),
        }  # fmt: skip

    def room(self, heard: bytes) -> int:
        """How many bytes `hear` takes now: there is room for six axes always."""
        return 266 * self.sample_bytes

    def count(self, heard: bytes) -> int:
        """Frames, which are samples."""
        return len(heard) // self.sample_bytes

    def window(self, heard: bytes) -> bytes:
        """Of raw samples as they came."""
        return (bytes(self.samples * self.sample_bytes) + heard)[
            -self.samples * self.sample_bytes :: 2
        ]


@dataclass(frozen=True)
class FakeImage:
    """How the fake firmware sees: each other pixel of the last whole frame."""

    width: int = 80
    height: int = 60
    threshold: float = 0.5
    smooth: int = 2
    hold_off: int = 9

    source = "camera"
    sample_bytes = 1

    def said(self) -> tuple[str, dict[str, object]]:
        """The record of `hello`."""
        return "image", {
            "width": self.width, "height": self.height, "to_width": self.width // 2,
            "to_height": self.height, "period_ms": 500, **decision_fields(self),
        }  # fmt: skip

    def room(self, heard: bytes) -> int:
        """How many bytes `hear` takes now: what is missing of the frame."""
        frame = self.width * self.height
        return min(3200, frame - len(heard) % frame)

    def count(self, heard: bytes) -> int:
        """Whole frames."""
        return len(heard) // (self.width * self.height)

    def window(self, heard: bytes) -> bytes:
        """Of raw samples as they came."""
        frame = self.width * self.height
        return (bytes(frame) + heard[: self.count(heard) * frame])[-frame::2]


FakeSenses = FakeAudio | FakeMotion | FakeImage


@dataclass
class FakeRecorder:
    """Firmware that records: what its sensor took, of which some was dropped.

    samples: (n,), (n, axes) int16, or (n, height, width) uint8. dropped: samples (frames) that
    never arrive, as ranges. A record every 10 ms.
    """

    sensor: str
    samples: NDArray[np.int16] | NDArray[np.uint8]
    dropped: tuple[range, ...] = ()
    refuses: str = ""  # what is missing
    stops_after: int | None = None  # records; then it says nothing any more

    def said(self) -> dict[str, object]:
        shape = self.samples.shape
        if self.sensor == "camera":
            return {"sensor": "camera", "width": shape[2], "height": shape[1], "period_ms": 20}
        more = {"axes": shape[1]} if self.sensor == "imu" else {}
        return {"sensor": self.sensor, "rate_hz": 1000} | more

    def records(self) -> list[tuple[int, int, int, bytes]]:
        """(n, lost, samples or frames that this completes, bytes) of all that arrives."""
        found = []
        gone = {number for numbers in self.dropped for number in numbers}
        lost = 0
        size = self.samples[0].nbytes
        if self.sensor == "camera":
            for number, frame in enumerate(self.samples):
                if number in gone:
                    lost += 1
                    continue
                data = frame.tobytes()
                for at in range(0, size, 200):
                    piece = data[at : at + 200]
                    ends = int(at + 200 >= size)
                    found.append((number * size + at, lost, ends, piece))
            return found
        at = 0
        while at < len(self.samples):
            if at in gone:
                at += 1
                lost += 1
                continue
            end = at
            while end < len(self.samples) and end not in gone and end - at < 200 // size:
                end += 1
            found.append((at, lost, end - at, self.samples[at:end].astype("<i2").tobytes()))
            at = end
        return found


def decision_fields(senses: FakeSenses) -> dict[str, object]:
    return {
        "threshold_bits": float_bits(senses.threshold),
        "smooth": senses.smooth,
        "hold_off": senses.hold_off,
    }


def float_bits(value: float) -> str:
    return struct.pack(">f", value).hex()
