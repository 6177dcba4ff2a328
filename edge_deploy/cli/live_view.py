"""The live view of a stream on a terminal: the word heard, confidences, what they cost.

`draw` makes a page of text for any width and height from a Tally; LiveView keeps it on the
terminal, at most ten times a second.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from edge_deploy.cli import output
from edge_deploy.cli.letters import large
from edge_deploy.cli.tally import Tally
from edge_deploy.cli.views import score_range
from edge_deploy.telemetry.readings import Inference, Log, Reading

REFRESHES_PER_S = 10

# A word is news for so long: about the time that its sound is in the window.
FRESH_S = 1.5

# Where the terminal has no room for a page, something is shown all the same.
_LEAST_COLUMNS = 20
_LEAST_LINES = 6
# Lines with everything in its place: title, word in large letters, its time, a blank, below it the
# bars, a blank, and the four lines of figures.
_AROUND_BARS = 1 + 3 + 1 + 1 + 1 + 4
_LABEL_COLUMNS_MOST = 14
_WIDE = 76  # columns for all figures in full
_EIGHTHS = " ▏▎▍▌▋▊▉"


class LiveView:
    """Keeps the page on the terminal until it is left; the last page stays."""

    def __init__(self, tally: Tally, console: Console | None = None) -> None:
        self._tally = tally
        self._console = console or Console(highlight=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._page,
            refresh_per_second=REFRESHES_PER_S,
            vertical_overflow="crop",
        )

    def _page(self) -> Text:
        size = self._console.size
        ascii_only = not self._console.encoding.startswith("utf")
        return draw(self._tally, size.width, size.height - 1, ascii_only=ascii_only)

    def __enter__(self) -> LiveView:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, reading: Reading) -> None:
        """Nothing by itself: the page is drawn by the clock. A board's own text goes above it."""
        if isinstance(reading, Log):
            output.say(reading.text)


def draw(tally: Tally, width: int, height: int, *, ascii_only: bool = False) -> Text:
    """The page in at most `width` columns and `height` lines."""
    width, height = max(width, _LEAST_COLUMNS), max(height, _LEAST_LINES)
    latest = tally.latest
    scores = (latest.scores if latest else None) or ()
    lines = [_title(tally, width)]
    room = height - _AROUND_BARS
    lines += _word(tally, width, tall=room >= min(len(scores), 3), ascii_only=ascii_only)
    figures = _figures(tally, width)
    bars_room = height - len(lines) - len(figures)
    if bars_room >= len(scores) + 2:
        lines.append(Text())
        bars_room -= 1
    bars = _bars(tally, width, max(0, bars_room), ascii_only=ascii_only)
    lines += bars
    if len(lines) + len(figures) < height:
        lines.append(Text())
    lines += figures
    for line in lines:
        line.truncate(width, overflow="ellipsis" if not ascii_only else "crop")
    return Text("\n", no_wrap=True).join(lines[:height])


def _title(tally: Tally, width: int) -> Text:
    header = tally.header
    left = f"{header.model_name} on {header.board} ({header.on})"
    right = f"{tally.at_s(tally.latest):.1f} s" if tally.latest else "no result yet"
    gap = max(2, width - len(left) - len(right))
    return Text.assemble((left, "bold"), " " * gap, right)


def _word(tally: Tally, width: int, *, tall: bool, ascii_only: bool) -> list[Text]:
    """The last word heard in large letters, and below it when, and how sure."""
    if not tally.heard:
        state = "listening" if tally.header.audio else "nothing heard"
        return [Text(), Text(state, style="dim"), Text(), Text()] if tall else [Text(state)]
    last = tally.heard[-1]
    fresh = tally.latest is not None and tally.at_s(tally.latest) - last.at_s <= FRESH_S
    style = "bold green" if fresh else "bold"
    detail = f"{last.word}  {last.confidence:.2f}  at {last.at_s:.2f} s"
    rows = None if ascii_only or not tall else large(last.word)
    if rows is None or max(map(len, rows)) > width:
        head = [Text(), Text(last.word.upper(), style=style), Text()] if tall else []
        return [*head, Text(detail, style="" if tall else style)]
    return [*(Text(row, style=style) for row in rows), Text(detail)]


def _bars(tally: Tally, width: int, room: int, *, ascii_only: bool) -> list[Text]:
    """A bar for each label, in their order; where there is no room for all, the longest ones."""
    latest = tally.latest
    if latest is None or latest.scores is None or room == 0:
        return []
    shown = list(range(len(latest.scores)))
    if len(shown) > room:
        scores = latest.scores
        shown = sorted(shown, key=lambda index: (-scores[index], index))[:room]
    names = [tally.label(index) for index in shown]
    columns = min(_LABEL_COLUMNS_MOST, max(map(len, names)), width // 3)
    low, high = score_range(tally.header)
    bar_columns = max(1, width - columns - 2 - 6)
    lines = []
    for index, name in zip(shown, names, strict=True):
        score = latest.scores[index]
        share = min(max((score - low) / (high - low), 0.0), 1.0)
        style = "green" if index == latest.top else "blue"
        bar = _bar(share, bar_columns, ascii_only=ascii_only)
        lines.append(
            Text.assemble(
                f"{name[:columns]:>{columns}} ",
                (f"{bar:<{bar_columns}}", style),
                f"  {score:5.2f}",
            )
        )
    return lines


def _bar(share: float, columns: int, *, ascii_only: bool) -> str:
    """So much of `columns`, to an eighth of a character."""
    if ascii_only:
        return "#" * round(share * columns)
    eighths = round(share * columns * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _figures(tally: Tally, width: int) -> list[Text]:
    """Four lines: latency, what it costs, what went wrong, what was heard before."""
    latest = tally.latest
    rows = [
        ("latency", _latency(latest, wide=width >= _WIDE)),
        ("cost", _cost(tally, latest, wide=width >= _WIDE)),
        ("trouble", _trouble(tally, wide=width >= _WIDE)),
        ("heard", _history(tally, width - 9)),
    ]
    return [
        Text.assemble((f"{name:<9}", "dim"), (text, "red" if name == "trouble" and bad else ""))
        for name, (text, bad) in rows
    ]


def _latency(latest: Inference | None, *, wide: bool) -> tuple[str, bool]:
    if latest is None:
        return "-", False
    if not wide:
        stages = (latest.dsp_us, latest.inference_us, latest.post_us)
        return " + ".join(f"{us / 1000:.1f}" for us in stages) + " ms", False
    split = f"dsp {latest.dsp_us:,}  inference {latest.inference_us:,}  post {latest.post_us:,}"
    return f"{split}  = {latest.end_to_end_us:,} us", False


def _cost(tally: Tally, latest: Inference | None, *, wide: bool) -> tuple[str, bool]:
    parts = []
    if latest is not None:
        if wide and latest.counts.cycles is not None:
            parts.append(f"{latest.counts.cycles:,} cycles")
        if latest.counts.energy_nj is not None:
            parts.append(f"{latest.counts.energy_nj / 1000:,.2f} uJ")
        if (share := tally.core_share(latest.end_to_end_us)) is not None:
            parts.append(f"{100 * share:.1f} % of the core" if wide else f"core {share:.0%}")
    return "  ".join(parts) or "-", False


def _trouble(tally: Tally, *, wide: bool) -> tuple[str, bool]:
    counts = [("dropped records", tally.link.lost_records), ("overruns", tally.overruns)]
    if tally.lost_samples is not None:
        counts.append(("lost samples", tally.lost_samples))
    counts.append(("corrupt lines", tally.link.corrupt_lines))
    bad = any(count for _, count in counts)
    if not wide:  # what happened must not be cut off by what did not
        counts = [(what, count) for what, count in counts if count]
    return "  ".join(f"{what} {count:,}" for what, count in counts) or "none", bad


def _history(tally: Tally, columns: int) -> tuple[str, bool]:
    """As many of the last words as fit, oldest first."""
    text = ""
    for heard in reversed(tally.heard):
        longer = f"{heard.word} {heard.at_s:.1f} s" + (f"  {text}" if text else "")
        if len(longer) > columns:
            break
        text = longer
    return text or "-", False
