"""The live view of a stream on a terminal: what was decided, scores, what they cost.

A model that tells labels apart has a bar for each, and where it feels motion a trace of each over
the last results. One whose only score says how unusual what it senses is has that score against its
threshold, and its trace. `draw` makes a page of text for any width and height from a Tally;
LiveView keeps it on the terminal, at most ten times a second.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from edge_deploy.cli import bars, output, senses
from edge_deploy.cli.letters import large
from edge_deploy.cli.tally import Tally, percent
from edge_deploy.cli.views import score_range
from edge_deploy.telemetry.facts import IMU
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
# Beside bars, and only where those keep as much again.
_TRACE_COLUMNS = 24
_TRACED_WIDTH = 60
# A gauge is read at its mark, so that is kept at its middle.
_MARK_SHARE = 0.5


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
    head = _state if tally.threshold is not None else _word
    lines += head(tally, width, tall=room >= min(len(scores), 3), ascii_only=ascii_only)
    figures = _figures(tally, width)
    bars_room = height - len(lines) - len(figures)
    if bars_room >= len(scores) + 2:
        lines.append(Text())
        bars_room -= 1
    rows = _against if tally.threshold is not None else _bars
    lines += rows(tally, width, max(0, bars_room), ascii_only=ascii_only)
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
    """The last word decided on in large letters, and below it when, and how sure."""
    if not tally.heard:
        sense = senses.of(tally.header.source)
        state = sense.waits if sense else "nothing heard"
        return [Text(), Text(state, style="dim"), Text(), Text()] if tall else [Text(state)]
    last = tally.heard[-1]
    fresh = tally.latest is not None and tally.at_s(tally.latest) - last.at_s <= FRESH_S
    style = "bold green" if fresh else "bold"
    detail = f"{last.word}  {last.confidence:.2f}  at {last.at_s:.2f} s"
    return _headline(last.word, detail, style, width, tall=tall, ascii_only=ascii_only)


def _headline(
    word: str, detail: str, style: str, width: int, *, tall: bool, ascii_only: bool
) -> list[Text]:
    """Four lines, the word in large letters where it fits; or one, where they are too many."""
    rows = None if ascii_only or not tall else large(word)
    if rows is None or max(map(len, rows)) > width:
        head = [Text(), Text(word.upper(), style=style), Text()] if tall else []
        return [*head, Text(detail, style="" if tall else style)]
    return [*(Text(row, style=style) for row in rows), Text(detail)]


def _state(tally: Tally, width: int, *, tall: bool, ascii_only: bool) -> list[Text]:
    """Whether what is sensed is unusual now; the only label in large letters while it is."""
    smoothed, threshold = tally.smoothed, tally.threshold
    if smoothed is None or threshold is None:
        state = Text("waiting for results", style="dim")
        return [Text(), state, Text(), Text()] if tall else [state]
    name = tally.label(0)
    detail = f"score {smoothed:.2f}, threshold {threshold:.2f}"
    if smoothed >= threshold:
        detail = f"{name.upper()}  {detail}" if not tall else detail
        return _headline(name, detail, "bold red", width, tall=tall, ascii_only=ascii_only)
    state = Text(f"no {name}", style="green")
    return [Text(), state, Text(), Text(detail)] if tall else [Text(f"no {name}  {detail}")]


def _against(tally: Tally, width: int, room: int, *, ascii_only: bool) -> list[Text]:
    """The score against its threshold, and how it was over the last results."""
    latest, threshold = tally.latest, tally.threshold
    if latest is None or latest.scores is None or threshold is None or room == 0:
        return []
    low, high = score_range(tally.header)
    # What an int8 output can say reaches far beyond what is of interest.
    of_interest = low + (threshold - low) / _MARK_SHARE
    past = [scores[0] for scores in tally.recent]
    high = min(high, max(of_interest, *past))
    columns = max(1, width - 6 - 2 - 7)
    score = latest.scores[0]
    mark = bars.share(threshold, low, high)
    gauge = bars.gauge(bars.share(score, low, high), mark, columns, ascii_only=ascii_only)
    drawn = bars.trace(
        [bars.share(each, low, high) for each in past], columns, ascii_only=ascii_only
    )
    style = "red" if score >= threshold else "green"
    over = Text(drawn, style="blue")
    for index, each in enumerate(past[-columns:], columns - len(past[-columns:])):
        if each >= threshold:
            over.stylize("red", index, index + 1)
    lines = [
        Text.assemble("score ", (gauge, style), f"  {score:7.2f}"),
        Text(),
        Text.assemble("trace ", over),
    ]
    if room < len(lines):
        lines.pop(1)
    return lines[:room]


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
    traced = tally.header.source == IMU and width >= _TRACED_WIDTH
    trace_columns = min(_TRACE_COLUMNS, width // 3) if traced else 0
    bar_columns = max(1, width - columns - 2 - 6 - (trace_columns + 2 if traced else 0))
    lines = []
    for index, name in zip(shown, names, strict=True):
        score = latest.scores[index]
        style = "green" if index == latest.top else "blue"
        bar = bars.bar(bars.share(score, low, high), bar_columns, ascii_only=ascii_only)
        past = [bars.share(scores[index], low, high) for scores in tally.recent] if traced else []
        drawn = bars.trace(past, trace_columns, ascii_only=ascii_only)
        lines.append(
            Text.assemble(
                f"{name[:columns]:>{columns}} ",
                (f"{bar:<{bar_columns}}", style),
                ("  " + drawn if traced else "", "dim"),
                f"  {score:5.2f}",
            )
        )
    return lines


def _figures(tally: Tally, width: int) -> list[Text]:
    """Four lines: latency, what it costs, what went wrong, what was decided before."""
    latest = tally.latest
    rows = [
        ("latency", _latency(latest, wide=width >= _WIDE)),
        ("cost", _cost(tally, latest, wide=width >= _WIDE)),
        ("trouble", _trouble(tally, wide=width >= _WIDE)),
        (_decided(tally), _history(tally, width - 9)),
    ]
    return [
        Text.assemble((f"{name:<9}", "dim"), (text, "red" if name == "trouble" and bad else ""))
        for name, (text, bad) in rows
    ]


def _decided(tally: Tally) -> str:
    """How past decisions are called: heard, felt, seen, or by the name of the only label."""
    sense = senses.of(tally.header.source)
    if tally.threshold is not None:
        return tally.label(0)[:8]
    return sense.decided if sense else "heard"


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
            parts.append(f"{percent(share)} of the core" if wide else f"core {share:.0%}")
    return "  ".join(parts) or "-", False


def _trouble(tally: Tally, *, wide: bool) -> tuple[str, bool]:
    counts = [("dropped records", tally.link.lost_records), ("overruns", tally.overruns)]
    if tally.lost_samples is not None:
        counts.append((f"lost {tally.lost_what}", tally.lost_samples))
    counts.append(("corrupt lines", tally.link.corrupt_lines))
    bad = any(count for _, count in counts)
    if not wide:  # what happened must not be cut off by what did not
        counts = [(what, count) for what, count in counts if count]
    return "  ".join(f"{what} {count:,}" for what, count in counts) or "none", bad


def _history(tally: Tally, columns: int) -> tuple[str, bool]:
    """As many of the last words as fit, oldest first; of an only label the times alone."""
    text = ""
    for heard in reversed(tally.heard):
        word = "" if tally.threshold is not None else f"{heard.word} "
        longer = f"{word}{heard.at_s:.1f} s" + (f"  {text}" if text else "")
        if len(longer) > columns:
            break
        text = longer
    return text or "-", False
