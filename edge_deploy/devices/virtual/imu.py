"""What a virtual board's IMU feels: the words of `--imu`, and its motion.

Turns `wave.csv`, a folder or `rest` into samples of six axes that arrive one by one as virtual
time passes, at the rate that the program asked for. Knows nothing of memories or how a machine
tells time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from edge_deploy import motion
from edge_deploy.devices.virtual import files
from edge_deploy.devices.virtual.fifo import Played, Source
from edge_deploy.devices.virtual.sensor import Sensor, Setting
from edge_deploy.errors import BadInput, UsageError

Samples = npt.NDArray[np.int16]

AXES = 6
# Samples that wait for the program: 2.1 s at the 119 Hz of the Nano 33 BLE Sense's library.
FIFO_SAMPLES = 256
# Rest after every recording: a window of a second is then free of it before the next begins.
GAP_S = 1.0
# Lying on a table, face up.
REST = np.array([0, 0, int(motion.PER_G), 0, 0, 0], dtype=np.int16)

_RATE_HZ = 0x04

_FORMS = (
    "--imu recording.csv  lines of aX,aY,aZ in g and gX,gY,gZ in degrees a second",
    "--imu recordings/  a folder of them, one after the other, 1 s of rest after each",
    "--imu recordings/:0s  the same without rest: a machine that never stops",
    "--imu rest  a board that lies on a table",
)


class Motion(Played):
    """Recordings with `gap_s` of rest after each, then rest for ever.

    recordings: each (n, 6) int16, as docs/virtual_board.md has them.
    """

    def __init__(
        self, recordings: tuple[Samples, ...], rate_hz: int, *, gap_s: float = GAP_S
    ) -> None:
        gap = np.tile(REST, (round(gap_s * rate_hz), 1))
        pieces = [piece for each in recordings for piece in (each, gap)]
        together = np.concatenate([np.zeros((0, AXES), np.int16), *pieces])
        super().__init__(together, REST, rate_hz)


@dataclass(frozen=True)
class ImuInput:
    """What `--imu` says: a fact, to be given to a board.

    words: as they were given. description: for people. axes: how many of the six the files have
    at least: 3 where one of them has no rates of turn. recordings: each (n, 6) int16.
    gap_s: of rest after each.
    """

    words: str
    description: str
    axes: int = AXES
    recordings: tuple[Samples, ...] = ()
    gap_s: float = GAP_S

    def samples(self, rate_hz: int) -> int | None:
        """How many until everything is played, with the gap after each; None: endless."""
        if not self.recordings:
            return None
        return sum(len(each) + round(self.gap_s * rate_hz) for each in self.recordings)


class Imu(Sensor):
    """The sensor that feels a motion, at the rate that the program sets."""

    bit = 2
    page = 0x5000
    capacity = FIFO_SAMPLES
    # The LSM9DS1 of the Nano 33 BLE Sense has 119 Hz by default and 952 Hz at most
    # (STMicroelectronics DS10140, "Output data rate"); faster ones measure vibration.
    settings = MappingProxyType({_RATE_HZ: Setting(119, 1, 4_000)})

    def __init__(self, given: ImuInput) -> None:
        super().__init__()
        self._given = given

    def source(self) -> Source:
        """All recordings, from the beginning of the first."""
        given = self._given
        return Motion(given.recordings, self.value(_RATE_HZ), gap_s=given.gap_s)


def parse(words: str) -> ImuInput:
    """The words of `--imu`.

    Raises UsageError for words that mean nothing, BadInput for files that are no recordings.
    """
    if words == "rest":
        return rest()
    path, gap_s = files.timed("--imu", words, GAP_S, least_s=0.0)
    if not path:
        raise UsageError(f"--imu {words!r} is nothing that can be felt.", try_next=_FORMS)
    found = files.find(path, "CSV files", (".csv",), try_next=_FORMS)
    recordings = tuple(_read(each) for each in found.files)
    return ImuInput(
        words,
        found.named("recordings"),
        min(each.shape[1] for each in recordings),
        tuple(_six(each) for each in recordings),
        gap_s,
    )


def _read(path: Path) -> Samples:
    """(n, 3 or 6) int16. Raises BadInput."""
    try:
        return motion.read(path, None)
    except BadInput as error:
        raise BadInput(error.message, try_next=error.try_next or _FORMS) from error


def rest() -> ImuInput:
    """A board that nobody moves: what one feels for which nothing was said."""
    return ImuInput("rest", "nothing but gravity")


def _six(samples: Samples) -> Samples:
    """(n, 3 or 6) to (n, 6): where rates of turn were not recorded the board does not turn."""
    return np.pad(samples, ((0, 0), (0, AXES - samples.shape[1])))
