"""Numbers as rows of characters: a bar, a gauge with a mark, and a trace over time.

Each for a terminal that has block characters, and for one that has ASCII alone.
"""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-~=+*#"


def share(value: float, low: float, high: float) -> float:
    """Where `value` stands from `low` (0) to `high` (1); outside of them at their side."""
    if high <= low:
        return 0.0
    return min(max((value - low) / (high - low), 0.0), 1.0)


def bar(part: float, columns: int, *, ascii_only: bool) -> str:
    """So much of `columns`, to an eighth of a character; as long as it takes, not padded."""
    if ascii_only:
        return "#" * round(part * columns)
    eighths = round(part * columns * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def gauge(part: float, mark: float, columns: int, *, ascii_only: bool) -> str:
    """A bar of exactly `columns`, with a line across it where `mark` is."""
    filled = bar(part, columns, ascii_only=ascii_only).ljust(columns)
    at = min(int(mark * columns), columns - 1)
    return filled[:at] + ("|" if ascii_only else "│") + filled[at + 1 :]


def trace(parts: Sequence[float], columns: int, *, ascii_only: bool) -> str:
    """The last `columns` of them as eight levels, the newest at the right; exactly `columns`."""
    levels = _ASCII_LEVELS if ascii_only else _LEVELS
    drawn = [levels[min(int(part * len(levels)), len(levels) - 1)] for part in parts[-columns:]]
    return "".join(drawn).rjust(columns)
