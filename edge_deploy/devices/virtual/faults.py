"""What can be asked to go wrong on a virtual board: words like `drop=0.01` to faults and noise.

Times are seconds of virtual time since power-on; probabilities hold for each byte on the serial
line, in both directions. Everything random comes from one seed. Knows nothing of how a board
carries a fault out.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from edge_deploy.errors import UsageError

# Faults that happen at a time, and what the board does then.
TIMED = {
    "unplug": "the cable is pulled: the serial port is gone, and stays gone",
    "brownout": "the supply sags: the board restarts, its RAM lost",
    "hang": "the program stops answering; the serial port stays open",
}
# Faults of a probability for each byte.
NOISE = {
    "drop": "each byte on the serial line is lost with this probability",
    "garble": "each byte on the serial line has one bit flipped with this probability",
}
SLOW = "slow"
WRONG_FIRMWARE = "wrong-firmware"

_TRY_NEXT = (
    "--fault drop=0.01  each byte is lost with probability 0.01",
    "--fault garble=0.001  one bit of a byte is flipped with probability 0.001",
    "--fault unplug@5s  after 5 s of board time; also brownout@3s, hang@2s",
    "--fault slow=4  a clock four times slower",
    "--fault wrong-firmware  the board runs another model than was flashed",
)
_TIMED = re.compile(r"(?P<kind>[a-z]+)@(?P<seconds>[0-9]*\.?[0-9]+)s?", re.ASCII)


@dataclass(frozen=True)
class TimedFault:
    """`kind` of TIMED happens `at_s` seconds after power-on."""

    kind: str
    at_s: float


@dataclass(frozen=True)
class Faults:
    """Everything that was asked for. The default is a board without faults."""

    drop: float = 0.0
    garble: float = 0.0
    slow: float = 1.0
    wrong_firmware: bool = False
    timed: tuple[TimedFault, ...] = ()

    @property
    def noisy(self) -> bool:
        """Whether bytes on the serial line are touched at all."""
        return self.drop > 0 or self.garble > 0


def parse(words: Iterable[str]) -> Faults:
    """Faults from words as `--fault` takes them. Raises UsageError, naming the word."""
    chances = dict.fromkeys(NOISE, 0.0)
    slow = 1.0
    wrong_firmware = False
    timed: list[TimedFault] = []
    for word in words:
        name, equals, value = word.partition("=")
        match = _TIMED.fullmatch(word)
        if name in NOISE and equals:
            chances[name] = _number(word, value, low=0.0, high=1.0)
        elif name == SLOW and equals:
            slow = _number(word, value, low=1.0, high=1e6)
        elif word == WRONG_FIRMWARE:
            wrong_firmware = True
        elif match is not None and match["kind"] in TIMED:
            timed.append(TimedFault(match["kind"], float(match["seconds"])))
        else:
            raise UsageError(f"{word!r} is not a fault.", try_next=_TRY_NEXT)
    timed.sort(key=lambda fault: fault.at_s)
    return Faults(
        drop=chances["drop"],
        garble=chances["garble"],
        slow=slow,
        wrong_firmware=wrong_firmware,
        timed=tuple(timed),
    )


def _number(word: str, value: str, *, low: float, high: float) -> float:
    """The number in `word`, between `low` and `high`. Raises UsageError."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:  # also False for nan
        raise UsageError(
            f"{word!r}: {value!r} is not a number from {low:g} to {high:g}.", try_next=_TRY_NEXT
        )
    return number


class LineNoise:
    """Loses and garbles bytes of one direction of a serial line. Stateful; not thread-safe."""

    def __init__(self, faults: Faults, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        self._drop = faults.drop
        self._garble = faults.garble

    def apply(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        if self._drop <= 0 and self._garble <= 0:
            return data
        arrived = bytearray()
        for byte in data:
            if self._random.random() < self._drop:
                continue
            if self._random.random() < self._garble:
                byte ^= 1 << self._random.randrange(8)
            arrived.append(byte)
        return bytes(arrived)


def seeded_bytes(seed: str, size: int) -> bytes:
    """`size` bytes that only depend on `seed`: what RAM holds after power-on."""
    return random.Random(seed).randbytes(size)  # noqa: S311 (repeatable, not secret)
