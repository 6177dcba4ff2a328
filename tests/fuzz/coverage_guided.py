"""The reader and its checks under atheris, which steers by coverage. Runs until stopped.

    pip install atheris
    python -m tests.fuzz.coverage_guided FOLDER [-max_total_time=600]

FOLDER keeps what was found interesting, from one run to the next; the first begins with the
seeds of `seeds.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge_deploy"]):
    from tests.fuzz.reading import outcome
    from tests.fuzz.seeds import SMALL_BYTES, seeds


def one(data: bytes) -> None:
    """One file: whatever is raised here is a finding."""
    outcome(data)


def main() -> None:
    """Fill the folder, and go."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds().items():
        if len(seed.data) < SMALL_BYTES:
            (folder / name.replace(" ", "_")).write_bytes(seed.data)
    limits = [f"-max_len={SMALL_BYTES}", "-timeout=5", "-rss_limit_mb=1024"]
    atheris.Setup([sys.argv[0], str(folder), *limits, *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
