"""Sound to play to a board for minutes, with what is in it: noise alone, or words with gaps.

Turns recordings into passages. Seeded: the same clips and seed give the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio
from edge_deploy.training.recipe import HeldOut

GAP_S = (1.0, 2.0)
"""Between two words; drawn evenly. Longer than a decision may come late, so that every decision
belongs to one word."""

GAP_DBFS = -60.0
"""White noise in the gaps, as loud as a quiet room: no microphone gives digital silence."""


@dataclass(frozen=True)
class Word:
    """A word in a passage, by samples: [begins, ends)."""

    label: int
    begins: int
    ends: int


@dataclass(frozen=True)
class Passage:
    """samples: int16 mono. words: in order; none in mere noise."""

    name: str
    samples: NDArray[np.int16]
    rate_hz: int
    words: tuple[Word, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.samples.size / self.rate_hz


def spoken(clips: Sequence[HeldOut], *, rate_hz: int, seed: int) -> Passage:
    """The clips one after the other, in their order, with gaps before, between and behind them."""
    draw = np.random.default_rng(seed)

    def gap() -> NDArray[np.int16]:
        seconds = draw.uniform(*GAP_S)
        return audio.noise(GAP_DBFS, seconds, int(draw.integers(2**31)), rate_hz=rate_hz)

    pieces = [gap()]
    words: list[Word] = []
    at = pieces[0].size
    for clip in clips:
        sound = clip.samples()
        words.append(Word(clip.label, at, at + sound.size))
        pieces += [sound, gap()]
        at += pieces[-2].size + pieces[-1].size
    return Passage("words", np.concatenate(pieces), rate_hz, tuple(words))
