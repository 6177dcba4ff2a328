"""A memory plan as one SVG picture: layers across, bytes up, a rectangle for every buffer.

Turns Extents into the text of a document. What two buffers share while a layer writes its output
over its input is hatched. A rectangle too small for its label is labelled below the picture; the
name of each stands in its tooltip. Every text is escaped; the same plan gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edge_deploy import svg
from edge_deploy.compiler import Compiled
from edge_deploy.compiler import extents as naming
from edge_deploy.compiler.extents import BETWEEN, INPUT, OUTPUT, SCRATCH, STATE, Extent
from edge_deploy.model.graph import Graph
from edge_deploy.model.names import safe_name

# Tints of Okabe and Ito's colours, which people with any colour vision tell apart.
_FILLS = {
    INPUT: "#8fd3bd",
    BETWEEN: "#a9d3ee",
    OUTPUT: "#f3cd85",
    SCRATCH: "#d0d5da",
    STATE: "#e5bdd2",
}
_MEANINGS = {
    INPUT: "input",
    BETWEEN: "between layers",
    OUTPUT: "output",
    SCRATCH: "scratch of a layer",
    STATE: "kept for the next inference",
}
_SHARED = "a layer writes its output over input that it has read"
# Every second buffer between layers, so that neighbours differ.
_OTHER_BETWEEN = "#c9e3f5"
_PEAK_FILL = "#fff3c4"
_HATCH = (
    '<defs><pattern id="shared" width="7" height="7" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="2" height="7" fill="{svg.INK}" '
    'fill-opacity="0.35"/></pattern></defs>'
)

_LEFT, _RIGHT, _TOP, _HEIGHT = 84, 40, 124, 440
_LEAST_ACROSS, _USUAL_ACROSS, _MOST_COLUMN, _LEAST_COLUMN = 640, 900, 150, 30
_LEAST_HEIGHT = 3.0  # of a rectangle, so that every buffer is seen
_LABEL_SIZE, _LABEL_LINE, _CHARACTER = 11, 14, 6.3  # pixels; a letter's width is an average
_NOTE_LINE, _NOTE_ACROSS = 16, 330


@dataclass(frozen=True)
class _Box:
    """A rectangle in pixels: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


class _Frame:
    """Where layers and bytes are on the paper."""

    def __init__(self, layers: int, arena_bytes: int) -> None:
        # One column before the first layer and one after the last.
        columns = layers + 2
        column = min(_MOST_COLUMN, max(_LEAST_COLUMN, _USUAL_ACROSS / columns))
        self.column = max(column, _LEAST_ACROSS / columns)
        self.across = columns * self.column
        self.bottom = _TOP + _HEIGHT
        self.up = svg.Axis(0, max(arena_bytes, 1), self.bottom, _TOP, from_zero=True)

    def left(self, layer: int) -> float:
        """The left edge of a layer's column; -1 is before the first."""
        return _LEFT + (layer + 1) * self.column

    def box(self, first: int, last: int, offset: int, size: int) -> _Box:
        """Bytes [offset, offset + size) from layer `first` to layer `last`."""
        top = min(self.up.at(offset + size), self.up.at(offset) - _LEAST_HEIGHT)
        height = self.up.at(offset) - top
        return _Box(self.left(first), top, (last - first + 1) * self.column, height)


def emit(compiled: Compiled, graph: Graph, name: str) -> str:
    """The whole SVG document, ending in a newline. name: of the model, any text."""
    found = naming.extents(compiled, graph)
    frame = _Frame(len(compiled.layers), compiled.arena_bytes)
    at, most = naming.peak(found, len(compiled.layers))
    shared = _pairs(found)
    labels = [_label(extent, shared, frame) for extent in found]
    notes = [_note(e, compiled) for e, label in zip(found, labels, strict=True) if not label]
    width = round(_LEFT + frame.across + _RIGHT)
    columns = max(1, (width - _LEFT) // _NOTE_ACROSS)
    rows = -(-len(notes) // columns)
    height = frame.bottom + 150 + (rows + 1) * _NOTE_LINE if notes else frame.bottom + 150
    title = f"Memory plan of {safe_name(name)}"
    parts = [
        svg.head(width, height, title),
        _HATCH,
        svg.text(_LEFT, 30, title, size=17),
        svg.text(_LEFT, 52, _summary(compiled, at, most)),
        *_legend(found, hatched=bool(shared)),
        *_grid(frame, compiled, at),
        *(_rectangle(extent, frame, compiled) for extent in found),
        *_shared(shared, frame),
        *(part for label in labels for part in label),
        *_limit(frame, compiled.arena_bytes),
    ]
    if notes:
        top = frame.bottom + 136
        parts.append(svg.text(_LEFT, top, "Too small to be labelled in the picture:"))
        for i, note in enumerate(notes):
            x = _LEFT + i // rows * _NOTE_ACROSS
            parts.append(svg.text(x, top + (i % rows + 1) * _NOTE_LINE, note, size=_LABEL_SIZE))
    return "\n".join([*parts, "</svg>", ""])


def _summary(compiled: Compiled, at: int, most: int) -> str:
    where = f"at layer {_layer(compiled, at)}" if compiled.layers else "without any layer"
    return (
        f"{compiled.arena_bytes:,} B of arena for {compiled.target} kernels. "
        f"Most are in use {where}: {most:,} B."
    )


def _layer(compiled: Compiled, at: int) -> str:
    """A layer as the axis names it: its operator's index in the file, and the operator."""
    if at < 0:
        return "before"
    if at >= len(compiled.layers):
        return "after"
    return f"{compiled.layers[at].index} {safe_name(compiled.layers[at].operator)}"


def _legend(found: Sequence[Extent], *, hatched: bool) -> list[str]:
    kinds = [kind for kind in naming.KINDS if any(e.kind == kind for e in found)]
    parts: list[str] = []
    x = float(_LEFT)
    for fill, words in [(_FILLS[kind], _MEANINGS[kind]) for kind in kinds]:
        parts.append(_swatch(x, fill))
        parts.append(svg.text(x + 20, 80, words))
        x += 36 + len(words) * _CHARACTER
    if hatched:
        parts += [_swatch(_LEFT, _FILLS[BETWEEN], y=90), _swatch(_LEFT, "url(#shared)", y=90)]
        parts.append(svg.text(_LEFT + 20, 100, _SHARED))
    return parts


def _swatch(x: float, fill: str, *, y: int = 70) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="14" height="12" rx="2" fill="{fill}"/>'


def _grid(frame: _Frame, compiled: Compiled, peak: int) -> list[str]:
    """The two axes, and the column of the peak."""
    right = _LEFT + frame.across
    parts = []
    if compiled.layers:
        parts.append(
            f'<rect x="{frame.left(peak):.1f}" y="{_TOP}" width="{frame.column:.1f}" '
            f'height="{_HEIGHT}" fill="{_PEAK_FILL}"/>'
        )
        middle = frame.left(peak) + frame.column / 2
        parts.append(svg.text(middle, _TOP - 5, "peak", anchor="middle", size=_LABEL_SIZE))
    for tick in frame.up.ticks():
        y = frame.up.at(tick)
        parts.append(svg.line(_LEFT, y, right, y))
        parts.append(svg.text(_LEFT - 8, y + 4, svg.number(tick), anchor="end"))
    middle = _TOP + _HEIGHT / 2
    parts.append(svg.text(22, middle, "bytes", anchor="middle", turned=-90))
    for layer in range(-1, len(compiled.layers) + 1):
        x = frame.left(layer)
        parts.append(svg.line(x, _TOP, x, frame.bottom))
        words = _layer(compiled, layer)
        middle = x + frame.column / 2
        parts.append(svg.text(middle + 4, frame.bottom + 16, words, anchor="end", turned=-40))
    parts.append(svg.line(right, _TOP, right, frame.bottom))
    return parts


def _limit(frame: _Frame, arena_bytes: int) -> list[str]:
    """The top of the arena."""
    y = frame.up.at(arena_bytes)
    right = _LEFT + frame.across
    return [
        svg.line(_LEFT, y, right, y, colour=svg.INK, dashes="6 4"),
        svg.text(right, y - 5, f"arena {arena_bytes:,} B", anchor="end"),
    ]


def _rectangle(extent: Extent, frame: _Frame, compiled: Compiled) -> str:
    box = frame.box(extent.first, extent.last, extent.offset, extent.bytes)
    lives = f"{_layer(compiled, extent.first)} to {_layer(compiled, extent.last)}"
    return (
        f'<rect x="{box.x + 1:.1f}" y="{box.y:.1f}" width="{box.width - 2:.1f}" '
        f'height="{box.height:.1f}" rx="2" fill="{_fill(extent)}" stroke="{svg.PAPER}">'
        f"<title>{escape(_whole(extent))}, {escape(lives)}</title></rect>"
    )


def _fill(extent: Extent) -> str:
    return _OTHER_BETWEEN if extent.kind == BETWEEN and extent.first % 2 else _FILLS[extent.kind]


def _note(extent: Extent, compiled: Compiled) -> str:
    """A buffer by the layer that it is of: tensors' names are long."""
    of = _layer(compiled, extent.first)
    words = {INPUT: "input", BETWEEN: of, OUTPUT: f"output, {of}", SCRATCH: f"scratch, {of}"}
    what = words.get(extent.kind, extent.kind)
    return f"{what}: {extent.bytes:,} B at {extent.offset:,}"


def _whole(extent: Extent) -> str:
    return f"{extent.name}: {extent.bytes:,} B at {extent.offset:,}"


def _pairs(found: Sequence[Extent]) -> list[tuple[Extent, Extent]]:
    """Inputs and outputs of a layer that have bytes in common, the input first."""
    return [
        (source, output)
        for output in found
        for source in found
        if source.last == output.first
        and source.first < output.first
        and source.offset < output.offset + output.bytes
        and output.offset < source.offset + source.bytes
    ]


def _shared(pairs: Sequence[tuple[Extent, Extent]], frame: _Frame) -> list[str]:
    """What a layer writes over what it reads, hatched."""
    parts = []
    for source, output in pairs:
        start = max(source.offset, output.offset)
        stop = min(source.offset + source.bytes, output.offset + output.bytes)
        box = frame.box(output.first, output.first, start, stop - start)
        parts.append(
            f'<rect x="{box.x + 1:.1f}" y="{box.y:.1f}" width="{box.width - 2:.1f}" '
            f'height="{box.height:.1f}" rx="2" fill="url(#shared)"/>'
        )
    return parts


def _label(extent: Extent, pairs: Sequence[tuple[Extent, Extent]], frame: _Frame) -> list[str]:
    """The label of a rectangle, beside what is hatched of it; nothing where there is no room."""
    first, last = extent.first, extent.last
    if last > first and any(source is extent for source, _ in pairs):
        last -= 1
    if last > first and any(output is extent for _, output in pairs):
        first += 1
    box = frame.box(first, last, extent.offset, extent.bytes)
    middle, centre = box.x + box.width / 2, box.y + box.height / 2
    short = {BETWEEN: "", SCRATCH: "scratch"}.get(extent.kind, extent.kind)
    size, fill = f"{extent.bytes:,} B", _fill(extent)
    across = [[short, size]] if short else []
    across += [[f"{short} {size}".strip()], [size]]
    for lines in across:
        wide = max(len(line) for line in lines) * _CHARACTER + 6
        high = len(lines) * _LABEL_LINE
        if wide <= box.width and high <= box.height:
            top = centre + 4 - (len(lines) - 1) * _LABEL_LINE / 2
            return [
                svg.text(
                    middle,
                    top + i * _LABEL_LINE,
                    line,
                    anchor="middle",
                    size=_LABEL_SIZE,
                    halo=fill,
                )
                for i, line in enumerate(lines)
            ]
    for line in (f"{short} {size}".strip(), size):
        if len(line) * _CHARACTER + 6 <= box.height and box.width >= _LABEL_LINE:
            return [
                svg.text(middle + 4, centre, line, anchor="middle", size=11, turned=-90, halo=fill)
            ]
    return []
