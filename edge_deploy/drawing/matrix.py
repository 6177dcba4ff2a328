"""A confusion matrix to one SVG picture: what samples were, and what they were taken for.

A row is a label. Its cells are coloured by their share of the row: blue where the sample was
taken for what it is, orange where it was not, so that faults stand out. Every text is escaped; the
same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy import svg

_TOP, _RIGHT, _BELOW, _EDGE = 48, 84, 58, 24
_WIDEST_CELL, _NARROWEST_CELL, _WIDTH = 56, 14, 560
_LETTER = 7.2  # pixels of a letter at size 12, and a little more
_FAINT = 0.12  # of a colour: what is still seen on paper
_LABEL_LETTERS = 20
# Okabe and Ito's blue and vermilion, which people with any colour vision tell apart.
_RIGHT_COLOUR, _WRONG_COLOUR = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def emit(title: str, labels: Sequence[str], counts: NDArray[np.int64], *, note: str = "") -> str:
    """The whole SVG document, ending in a newline.

    counts: (labels, labels), rows what it was. note: a line below the title. Raises ValueError
    where nothing is to draw.
    """
    if not labels or counts.shape != (len(labels), len(labels)):
        raise ValueError(f"{len(labels)} labels, counts of {counts.shape}")
    names = [_short(label) for label in labels]
    cell = min(_WIDEST_CELL, max(_NARROWEST_CELL, _WIDTH // len(labels)))
    turned = any(_wide(name) > cell - 4 for name in names)
    left = _EDGE + 22 + max(_wide(name) for name in names)
    tall = max(_wide(name) for name in names) if turned else 14.0
    top = _TOP + (18 if note else 0) + tall + 30
    side = cell * len(labels)
    width = max(left + side + _RIGHT, _EDGE + 8.2 * len(title), _EDGE + _wide(note)) + _EDGE
    height = top + side + _BELOW - 24
    parts = [svg.head(round(width), round(height), title), svg.text(_EDGE, 30, title, size=15)]
    if note:
        parts.append(svg.text(_EDGE, 50, note))
    middle = left + side / 2
    parts.append(svg.text(middle, top - tall - 16, "taken for", anchor="middle"))
    parts.append(svg.text(_EDGE + 4, top + side / 2, "was", anchor="middle", turned=-90))
    parts.append(svg.text(left + side + 10, top - 8, "found, %"))
    sums = counts.sum(axis=1)
    for row, name in enumerate(names):
        y = top + row * cell
        parts.append(svg.text(left - 8, y + cell / 2 + 4, name, anchor="end"))
        x = left + row * cell + cell / 2
        if turned:
            parts.append(svg.text(x + 4, top - 8, name, turned=-90))
        else:
            parts.append(svg.text(x, top - 8, name, anchor="middle"))
        for column in range(len(labels)):
            count, of = int(counts[row, column]), int(sums[row])
            share = count / of if of else 0.0
            parts += _cell(left + column * cell, y, cell, count, share, row == column)
        if sums[row]:
            found = f"{100 * counts[row, row] / sums[row]:.1f}"
            parts.append(svg.text(left + side + 10, y + cell / 2 + 4, found))
    return "\n".join([*parts, "</svg>", ""])


def _cell(x: float, y: float, cell: int, count: int, share: float, right: bool) -> list[str]:
    fill = _shade(_RIGHT_COLOUR if right else _WRONG_COLOUR, share) if count else svg.PAPER
    box = f'x="{x:.1f}" y="{y:.1f}" width="{cell}" height="{cell}"'
    parts = [f'<rect {box} fill="{fill}" stroke="{svg.GRID}"/>']
    text = f"{count}"
    size = 12 if _wide(text) <= cell - 4 else 9
    if count and _wide(text) * size / 12 <= cell - 2:
        ink = svg.PAPER if share > 0.5 else svg.INK
        parts.append(
            f'<text x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" text-anchor="middle" '
            f'font-size="{size}" fill="{ink}">{text}</text>'
        )
    return parts


def _shade(colour: tuple[int, int, int], share: float) -> str:
    """From paper to the colour; never as faint as paper, as there is something in the cell."""
    strength = _FAINT + (1 - _FAINT) * share
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02x}" for part in colour)


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LETTERS else label[: _LABEL_LETTERS - 1] + "…"


def _wide(text: str) -> float:
    return _LETTER * len(text)
