"""What a recording looks like: a countdown with a live meter on a terminal, otherwise lines.

`draw` makes a page of text of what was sensed last; LiveWatch keeps it on the terminal, at most ten
times a second, with a line above it for every take. Knows nothing about boards.
"""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from edge_deploy import audio, motion
from edge_deploy.bench import takes
from edge_deploy.bench.recording import Order
from edge_deploy.bench.takes import Cutter, Judged, Samples
from edge_deploy.cli import output
from edge_deploy.cli.letters import large
from edge_deploy.recordings import Clip

REFRESHES_PER_S = 10

# Of a level: one number of so much sound, and as many of them are remembered as fit a line.
_BLOCK_S = 0.05
_REMEMBERED = 200
_METER_DBFS = (-70.0, 0.0)
# A clipped sample is to be seen, not guessed: so long.
_CLIPPED_BLOCKS = 20
# A trace of less is drawn no larger than it is.
_TRACE_LEAST_G, _TRACE_LEAST_DPS = 0.25, 20.0
_TRACE_S = 2.0
_PICTURE_COLUMNS, _PICTURE_LINES = 48, 18
_LEAST_COLUMNS = 30
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = " .-=#"
_SHADES = " .:-=+*#%@"


class Watch(Protocol):
    """What a recording is shown by."""

    def __enter__(self) -> Watch:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""

    def sensed(self, samples: Samples, cutter: Cutter) -> None:
        """A piece has come."""

    def kept(self, clip: Clip, judged: Judged) -> None:
        """A take is in its place."""

    def dropped(self, judged: Judged) -> None:
        """A take was not worth keeping."""


def choose(order: Order, *, as_json: bool) -> Watch:
    """JSON lines where asked for, the live view for a person, otherwise plain lines."""
    if as_json:
        return JsonWatch(order)
    if not output.is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        return PlainWatch(order)
    return LiveWatch(order)


class PlainWatch:
    """A line for each take: the file on stdout, what was dropped on stderr."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def __enter__(self) -> PlainWatch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def sensed(self, samples: Samples, cutter: Cutter) -> None:
        """Nobody looks."""

    def kept(self, clip: Clip, judged: Judged) -> None:
        """The file, and how it is."""
        output.show(kept_line(clip, judged))

    def dropped(self, judged: Judged) -> None:
        """Why, and what to do."""
        output.say(dropped_line(judged))


class JsonWatch(PlainWatch):
    """An object for each take."""

    def kept(self, clip: Clip, judged: Judged) -> None:
        """One line."""
        output.line({"kind": "take", "kept": True, "file": str(clip.path), **_flat(judged)})

    def dropped(self, judged: Judged) -> None:
        """One line."""
        output.line({"kind": "take", "kept": False, "file": None, **_flat(judged)})


def _flat(judged: Judged) -> dict[str, Any]:
    finite = {name: value for name, value in judged.measures.items() if math.isfinite(value)}
    return {
        "problem": None if judged.problem is None else judged.problem.value,
        "why": judged.why or None,
        "advice": judged.advice or None,
        "measures": {name: round(value, 3) for name, value in finite.items()},
    }


def kept_line(clip: Clip, judged: Judged) -> str:
    """The file of a take, and its figures; what --keep let pass is said."""
    text = f"kept  {clip.file}  {judged.figures}"
    return f"{text}  ({judged.why})" if judged.problem else text


def dropped_line(judged: Judged) -> str:
    """Why a take is not there, and what to do."""
    return f"not kept  {judged.why}. What to do: {judged.advice}."


class LiveWatch:
    """Keeps the page on the terminal until it is left; takes are listed above it."""

    def __init__(self, order: Order, console: Console | None = None) -> None:
        self._page = Page(order)
        self._console = console or Console(highlight=False, emoji=False, markup=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=REFRESHES_PER_S,
            vertical_overflow="crop",
            transient=True,
        )

    def _drawn(self) -> Text:
        size = self._console.size
        ascii_only = not self._console.encoding.startswith("utf")
        return draw(self._page, size.width, size.height - 1, ascii_only=ascii_only)

    def __enter__(self) -> LiveWatch:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def sensed(self, samples: Samples, cutter: Cutter) -> None:
        """Drawn by the clock."""
        self._page.sensed(samples, cutter)

    def kept(self, clip: Clip, judged: Judged) -> None:
        """A line that stays."""
        self._page.kept += 1
        self._console.print(Text(kept_line(clip, judged)))

    def dropped(self, judged: Judged) -> None:
        """A line that stays."""
        self._page.dropped += 1
        self._console.print(Text(dropped_line(judged), style="yellow"))


class Page:
    """What is to be seen of a recording: how far it is, and what was sensed last."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.kept = 0
        self.dropped = 0
        self.inside = False
        self.share = 0.0
        self.remaining_s = 0.0
        # Of sound: (level, peak, clipped) of the latest blocks; the block that is under way.
        self.levels: deque[tuple[float, float, bool]] = deque(maxlen=_REMEMBERED)
        self._block: list[Samples] = []
        # Of motion: the latest samples. Of pictures: the latest frame.
        source = order.form.source
        self.trace: deque[Any] = deque(maxlen=max(1, round(_TRACE_S * source.sample_rate_hz)))
        self.frame = np.zeros((max(1, source.height), max(1, source.width)), np.uint8)

    def sensed(self, samples: Samples, cutter: Cutter) -> None:
        """Remember a piece."""
        self.inside, self.share = cutter.inside, cutter.share
        self.remaining_s = cutter.remaining_s
        source = self.order.form.source
        if source.kind == "microphone":
            self._block.append(samples)
            if sum(map(len, self._block)) >= _BLOCK_S * source.sample_rate_hz:
                block = np.concatenate(self._block)
                self._block = []
                self.levels.append(
                    (takes.level_dbfs(block), takes.peak_dbfs(block), audio.is_clipped(block))
                )
        elif source.kind == "imu":
            self.trace.extend(samples)
        else:
            self.frame = samples[-1]


def draw(page: Page, width: int, height: int, *, ascii_only: bool = False) -> Text:
    """The page in at most `width` columns and `height` lines."""
    width = max(width, _LEAST_COLUMNS)
    kind = page.order.form.source.kind
    lines = [_title(page, width), Text()]
    lines += _prompt(page, width, ascii_only=ascii_only)
    lines.append(Text())
    if kind == "microphone":
        lines += _meter(page, width, ascii_only=ascii_only)
    elif kind == "imu":
        lines += _trace(page, width, ascii_only=ascii_only)
    else:
        lines += _picture(page, width, height - len(lines) - 2, ascii_only=ascii_only)
    lines += [Text(), Text("Ctrl-C ends it; what was kept stays.", style="dim")]
    for line in lines:
        line.truncate(width, overflow="crop")
    return Text("\n", no_wrap=True).join(lines[: max(4, height)])


def _title(page: Page, width: int) -> Text:
    order = page.order
    wanted = f" of {order.count}" if order.count is not None else ""
    left = f"{order.label}   {page.kept}{wanted} kept"
    if page.dropped:
        left += f", {page.dropped} not"
    right = f"{order.speaker}, {order.facts.board} ({order.facts.on})"
    return Text.assemble((left, "bold"), " " * max(2, width - len(left) - len(right)), right)


def _prompt(page: Page, width: int, *, ascii_only: bool) -> list[Text]:
    """What to do now: the label in large letters while it counts, and how long still."""
    style = "bold green" if page.inside else "dim"
    rows = None if ascii_only else large(page.order.label)
    if rows is None or max(map(len, rows)) > width:
        rows = [page.order.label.upper()]
    what = "now" if page.inside else "get ready"
    columns = max(4, width - 18)
    bar = _bar(page.share, columns, ascii_only=ascii_only)
    return [
        *(Text(row, style=style) for row in rows),
        Text.assemble(
            (f"{what:<10}", style), (f"{bar:<{columns}}", style), f" {page.remaining_s:4.1f} s"
        ),
    ]


def _meter(page: Page, width: int, *, ascii_only: bool) -> list[Text]:
    """The level now, its peak, whether it clips, and how it was."""
    if not page.levels:
        return [Text("no sound yet", style="dim"), Text()]
    level, peak, _ = page.levels[-1]
    clipped = any(each[2] for each in list(page.levels)[-_CLIPPED_BLOCKS:])
    columns = max(4, width - 28)
    style = "red" if clipped else "yellow" if level < audio.SILENT_DBFS else "green"
    said = "CLIPPED" if clipped else f"peak {peak:6.1f}" if math.isfinite(peak) else "silent"
    shown = f"{level:6.1f} dBFS" if math.isfinite(level) else "  -inf dBFS"
    bar = _bar(_dbfs_share(level), columns, ascii_only=ascii_only)
    history = [_dbfs_share(each[0]) for each in list(page.levels)[-columns:]]
    return [
        Text.assemble((f"{bar:<{columns}}", style), f" {shown}  ", (said, style)),
        Text(_spark(history, ascii_only=ascii_only), style="blue"),
    ]


def _dbfs_share(level: float) -> float:
    low, high = _METER_DBFS
    return min(1.0, max(0.0, (level - low) / (high - low))) if math.isfinite(level) else 0.0


def _trace(page: Page, width: int, *, ascii_only: bool) -> list[Text]:
    """A line for each axis: the last two seconds, and the value now."""
    axes = page.order.form.source.axes
    if not page.trace:
        return [Text("no motion yet", style="dim"), *(Text() for _ in range(axes - 1))]
    columns = max(4, width - 22)
    values = np.array(page.trace) / motion.units(axes)
    picked = values[np.linspace(0, len(values) - 1, min(columns, len(values))).astype(int)]
    lines = []
    for axis in range(axes):
        unit, least = ("g", _TRACE_LEAST_G) if axis < 3 else ("dps", _TRACE_LEAST_DPS)
        swing = picked[:, axis] - picked[:, axis].mean()
        scale = max(least, float(np.abs(swing).max()))
        spark = _spark([0.5 + each / (2 * scale) for each in swing], ascii_only=ascii_only)
        lines.append(
            Text.assemble(
                (f"{motion.NAMES[axis]} ", "dim"),
                (f"{spark:<{columns}}", "green" if axis < 3 else "blue"),
                f" {values[-1, axis]:9.2f} {unit}",
            )
        )
    return lines


def _picture(page: Page, width: int, room: int, *, ascii_only: bool) -> list[Text]:
    """The frame as it is, two pixels to a character, or as shades where there are no colours."""
    rows, columns = page.frame.shape
    lines = max(1, min(_PICTURE_LINES, room))
    scale = max(columns / min(width, _PICTURE_COLUMNS), rows / (2 * lines), 1e-9)
    across, down = max(1, int(columns / scale)), max(2, int(rows / scale) // 2 * 2)
    places = [
        ((np.arange(n) + 0.5) * of / n).astype(int) for n, of in ((down, rows), (across, columns))
    ]
    small = page.frame[np.ix_(*places)]
    drawn = []
    for top, bottom in zip(small[::2], small[1::2], strict=True):
        line = Text()
        for above, below in zip(top.tolist(), bottom.tolist(), strict=True):
            if ascii_only:
                line.append(_SHADES[(above + below) // 2 * len(_SHADES) // 256])
            else:
                line.append(
                    "▀", style=f"rgb({above},{above},{above}) on rgb({below},{below},{below})"
                )
        drawn.append(line)
    return drawn


def _bar(share: float, columns: int, *, ascii_only: bool) -> str:
    return ("#" if ascii_only else "█") * round(share * columns)


def _spark(shares: list[float], *, ascii_only: bool) -> str:
    """A character for each share of 1, as high as it is."""
    heights = _ASCII_BLOCKS if ascii_only else _BLOCKS
    return "".join(
        heights[min(len(heights) - 1, max(0, round(share * (len(heights) - 1))))]
        for share in shares
    )
