"""Makes fan.csv, a minute of the fan for a virtual board: python labs/anomaly/make_demo.py FOLDER.

Of the records that training never saw, at high speed: 30 s as usual, then 30 s with the coin. It is
written to where you are, and is not ours to give away: card.md says whose recordings these are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_deploy import motion
from edge_deploy.training import datasets, recipe

SPEED = "high"
SECONDS = 30  # of each kind
HERE = Path(__file__).resolve().parent


def main(folder: Path, target: Path) -> None:
    """Put records in a row, and write them."""
    loaded = recipe.load(HERE)
    records = sys.modules[loaded.data.__module__].records(folder)
    parts = []
    for weight in (False, True):
        chosen = [
            record.path
            for record in records
            if (record.state, record.weight, record.part) == (SPEED, weight, datasets.TEST)
        ]
        parts += [motion.read(path, 3) for path in chosen[:SECONDS]]
    motion.write(target, np.concatenate(parts))


def from_words(words: Sequence[str]) -> None:
    """What the command line says."""
    if len(words) != 1:
        raise SystemExit(__doc__)
    main(Path(words[0]), Path("fan.csv"))


if __name__ == "__main__":
    from_words(sys.argv[1:])
