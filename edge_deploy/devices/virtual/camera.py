"""What a virtual board's camera sees: the words of `--camera`, and its frames.

Turns `two.png`, a folder or `grey` into frames that are taken one by one as virtual time passes,
of the size and at the pace that the program asked for. Knows nothing of memories or how a machine
tells time.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from edge_deploy import pictures
from edge_deploy.devices.virtual import files
from edge_deploy.devices.virtual.fifo import Source
from edge_deploy.devices.virtual.sensor import Sensor, Setting
from edge_deploy.errors import BadInput, UsageError

Frames = npt.NDArray[np.uint8]

# How long each picture is there: a few results of a model that looks twice a second.
STAY_S = 2.0
GREY = 128

_PERIOD_MS, _WIDTH, _HEIGHT = 0x04, 0x1C, 0x20
_NS_PER_MS = 1_000_000
_MS_PER_S = 1_000
# A frame of 640 x 480 is 300 KiB: two pictures are enough to look at one after the other.
_DECODED = 2

_FORMS = (
    "--camera picture.png  a picture",
    "--camera pictures/  a folder of them, one after the other, 2 s each",
    "--camera pictures/:5s  the same, 5 s each",
    "--camera grey  nothing to see",
)
_LEAST_STAY_S = 0.1


class Slides:
    """Pictures that are there one after the other; the last one stays. Of each period a frame.

    files: none for grey. stay_ms: how long each is there. A frame shows the picture that was
    there when its period began. Reading them raises what `pictures.read` does.
    """

    def __init__(
        self, files: tuple[Path, ...], stay_ms: int, *, width: int, height: int, period_ms: int
    ) -> None:
        self._files = files
        self._stay_ms = stay_ms
        self._shape = height, width
        self._period_ms = period_ms
        self._frame = functools.lru_cache(maxsize=_DECODED)(self._read)

    def start(self) -> None:
        """Nothing has to be done for it."""

    def stop(self) -> None:
        """Nor for this."""

    def arrived(self, elapsed_ns: int) -> int:
        """Whole periods that have passed."""
        return elapsed_ns // (self._period_ms * _NS_PER_MS)

    def samples(self, first: int, count: int) -> Frames:
        """(count, height, width) uint8: frames from number `first`."""
        frames = [self._frame(self._index(number)) for number in range(first, first + count)]
        return np.stack(frames) if frames else np.zeros((0, *self._shape), np.uint8)

    def _index(self, number: int) -> int:
        """Of the picture in a frame."""
        return max(0, min(number * self._period_ms // self._stay_ms, len(self._files) - 1))

    def _read(self, index: int) -> Frames:
        height, width = self._shape
        if not self._files:
            return np.full(self._shape, GREY, np.uint8)
        return pictures.read(self._files[index], width, height)


@dataclass(frozen=True)
class CameraInput:
    """What `--camera` says: a fact, to be given to a board.

    words: as they were given. description: for people. files: pictures in their order; none: grey.
    stay_ms: how long each is there.
    """

    words: str
    description: str
    files: tuple[Path, ...] = ()
    stay_ms: int = round(STAY_S * _MS_PER_S)

    def frames(self, period_ms: int) -> int | None:
        """How many until every picture was there for its time; None: endless."""
        return len(self.files) * self.stay_ms // period_ms if self.files else None


class Camera(Sensor):
    """The sensor that sees pictures, of the size and at the pace that the program sets."""

    bit = 4
    page = 0x6000
    capacity = 1  # the newest frame; the one before it is lost
    # QQVGA at reset and VGA at most, as the OV7675 on boards of this size (OmniVision, OV7675
    # datasheet, "key specifications"); 100 frames a second are more than any of them gives.
    settings = MappingProxyType(
        {
            _PERIOD_MS: Setting(500, 10, 60_000),
            _WIDTH: Setting(160, 8, 640),
            _HEIGHT: Setting(120, 8, 480),
        }
    )

    def __init__(self, given: CameraInput) -> None:
        super().__init__()
        self._given = given

    def source(self) -> Source:
        """All pictures, from the first one on."""
        return Slides(
            self._given.files,
            self._given.stay_ms,
            width=self.value(_WIDTH),
            height=self.value(_HEIGHT),
            period_ms=self.value(_PERIOD_MS),
        )


def parse(words: str) -> CameraInput:
    """The words of `--camera`.

    Raises UsageError for words that mean nothing, BadInput for files that are no pictures,
    PillowMissing where they cannot be read.
    """
    if words == "grey":
        return grey()
    path, stay_s = files.timed("--camera", words, STAY_S, least_s=_LEAST_STAY_S)
    if not path:
        raise UsageError(f"--camera {words!r} is nothing that can be seen.", try_next=_FORMS)
    found = files.find(path, "pictures", pictures.SUFFIXES, try_next=_FORMS)
    for each in found.files:
        # Now, while there is somebody to tell; in which size will be known when it is seen.
        try:
            pictures.read(each, Camera.settings[_WIDTH].value, Camera.settings[_HEIGHT].value)
        except BadInput as error:
            raise BadInput(error.message, try_next=error.try_next or _FORMS) from error
    stay_ms = round(stay_s * _MS_PER_S)
    return CameraInput(words, found.named("pictures"), found.files, stay_ms)


def grey() -> CameraInput:
    """Nothing to see: the camera of a board for which nothing was said."""
    return CameraInput("grey", "grey")
