"""Makes spells.csv, five spells for a virtual board: python labs/gesture/make_demo.py FOLDER.

Of each spell one clip that training never saw, with two seconds of a wand held still before and
after. It is written to where you are: card.md says whose recordings these are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_deploy import motion
from edge_deploy.training import datasets, recipe

STILL_SAMPLES = 240
HERE = Path(__file__).resolve().parent


def main(folder: Path, target: Path) -> None:
    """Put clips in a row, and write them."""
    loaded = recipe.load(HERE)
    clips = sys.modules[loaded.data.__module__].clips(folder)
    parts = []
    for label in range(1, len(loaded.labels)):
        raw = next(clip.raw for clip in clips if clip.part == datasets.TEST and clip.label == label)
        before, after = (
            np.repeat(raw[end : end + 1], STILL_SAMPLES, axis=0) for end in (0, len(raw) - 1)
        )
        for still in (before, after):
            still[:, 3:] = 0  # held as it was, and not turned
        parts += [before, raw, after]
    motion.write(target, np.concatenate(parts))


def from_words(words: Sequence[str]) -> None:
    """What the command line says."""
    if len(words) != 1:
        raise SystemExit(__doc__)
    main(Path(words[0]), Path("spells.csv"))


if __name__ == "__main__":
    from_words(sys.argv[1:])
