"""What `evaluate` found, as text: accuracy or area under curves, tables, the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.bench import anomalies
from edge_deploy.bench.agreement import Agreement
from edge_deploy.bench.anomalies import Anomalies, Group
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.evaluate import EvaluateResult
from edge_deploy.bench.scored import Scored
from edge_deploy.cli import output
from edge_deploy.drawing import matrix
from edge_deploy.errors import UsageError
from edge_deploy.intervals import CONFIDENCE, wilson

_COLUMNS = 100
_NARROWEST = 4  # of the matrix's columns: three digits and a space
_ABSENT = "-"


def show(result: EvaluateResult) -> None:
    """The whole result on stdout."""
    what = "recordings" if result.from_sensor else "samples"
    output.show(
        f"{result.lab} on {where(result)}, {result.engine}: {result.n:,} of "
        f"{result.held_out:,} held-out {what}"
    )
    if isinstance(result.found, Anomalies):
        _show_anomalies(result.found)
    elif isinstance(result.found, Scored):
        _show_scored(result.found)
    else:
        _show_classes(result.found)
    if result.agreement is not None:
        _show_agreement(result.agreement, result)


def where(result: EvaluateResult) -> str:
    """What computed it: `nano33 (virtual)`, or `host`."""
    return f"{result.board} ({result.on})" if result.board else result.on


def picture(result: EvaluateResult) -> str:
    """The result as an SVG document: a confusion matrix, or ROC curves.

    Raises UsageError for figures of a recipe's own, which have no picture.
    """
    title = f"{result.lab} on {where(result)}: {result.n:,} held-out recordings"
    found = result.found
    if isinstance(found, Scored):
        raise UsageError(f"-o draws classes and anomalies; {result.lab} has figures of its own.")
    if isinstance(found, Anomalies):
        return anomalies.picture(found, title)
    return matrix.emit(title, found.labels, found.confusion, note=_accuracy(found))


def _show_classes(found: Classes) -> None:
    output.show(f"{_accuracy(found)}  ({found.accuracy.origin})")
    output.table(
        ["label", "n", "correct", "found, %", "of those taken for it, %"],
        [
            [
                row.label,
                output.number(row.n),
                output.number(row.found),
                _percent(row.recall),
                _percent(row.precision),
            ]
            for row in found.per_class
        ],
    )
    if found.groups:
        output.table(
            ["group", "n", "correct", "correct, %", "95 % interval"],
            [
                [
                    group.name,
                    output.number(group.n),
                    output.number(group.correct),
                    _percent(group.correct / group.n),
                    "{:.1f} to {:.1f}".format(
                        *(100 * end for end in wilson(group.correct, group.n))
                    ),
                ]
                for group in found.groups
            ],
        )
    for line in matrix_lines(found.labels, found.confusion):
        output.show(line)


def _accuracy(found: Classes) -> str:
    return f"accuracy {100 * found.accuracy.value:.1f} %, {_interval(found.interval)}"


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * CONFIDENCE:.0f} % interval {100 * low:.1f} to {100 * high:.1f} %"


def _show_anomalies(found: Anomalies) -> None:
    low, high = found.curve.interval
    auc = found.figures["auc"]
    output.show(
        f"AUC {auc.value:.4f}, {100 * CONFIDENCE:.0f} % interval {low:.4f} to {high:.4f}  "
        f"({auc.origin})"
    )
    output.table(
        ["group", "normal", "anomalies", "AUC", "95 % interval", "found, %", "false alarms, %"],
        [_group_row(group) for group in (*found.groups, found.pooled)],
    )
    pooled = found.pooled
    output.show(f"at the lab's threshold, {found.threshold:g}, of one score (no smoothing):")
    output.show(f"  anomalies found: {_counted(pooled.found, pooled.anomalous)}")
    output.show(f"  normal ones taken for one: {_counted(pooled.false_alarms, pooled.normal)}")


def _group_row(group: Group) -> list[str]:
    interval = _ABSENT
    if group.curve is not None:
        low, high = group.curve.interval
        interval = f"{low:.3f} to {high:.3f}"
    return [
        group.name or "all",
        output.number(group.normal),
        output.number(group.anomalous),
        _ABSENT if group.auc is None else f"{group.auc.value:.4f}",
        interval,
        _percent(group.found / group.anomalous if group.anomalous else None),
        _percent(group.false_alarms / group.normal if group.normal else None),
    ]


def _counted(count: int, of: int) -> str:
    return f"{count:,} of {of:,}, {100 * count / of:.1f} % ({_interval(wilson(count, of))})"


def _show_scored(found: Scored) -> None:
    output.table(
        ["figure", "value", "unit", "origin"],
        [
            [name, f"{figure.value:.4g}", figure.unit, figure.origin]
            for name, figure in found.figures.items()
        ],
    )


def _show_agreement(agreement: Agreement, result: EvaluateResult) -> None:
    compared = f"{agreement.compared:,} recordings compared with this computer's features and"
    end = ", from raw samples on"
    if not result.from_sensor:
        compared, end = f"{agreement.compared:,} samples compared with", ""
    output.show(f"{compared} {result.reference}:")
    output.show(f"  {agreement.text} differ{end}")


def matrix_lines(labels: tuple[str, ...], counts: NDArray[np.int64]) -> list[str]:
    """The confusion matrix as lines of at most 100 columns; of too many labels the worst pairs."""
    first = min(max(len("was"), *(len(label) for label in labels)), 16)
    widest = max(*(len(label) for label in labels), len(f"{counts.max()}")) + 1
    width = min(max(widest, _NARROWEST), (_COLUMNS - first) // len(labels))
    if width < _NARROWEST or len(f"{counts.max()}") >= width:
        return _worst_pairs(labels, counts)
    lines = ["rows: what it was; columns: what it was taken for"]
    lines.append(" " * first + "".join(f"{label[: width - 1]:>{width}}" for label in labels))
    for label, row in zip(labels, counts, strict=True):
        cells = "".join(f"{count or '.':>{width}}" for count in row.tolist())
        lines.append(f"{label[:first]:<{first}}{cells}")
    return lines


def _worst_pairs(labels: tuple[str, ...], counts: NDArray[np.int64], most: int = 20) -> list[str]:
    pairs: list[tuple[int, str, str]] = [
        (int(count), labels[was], labels[taken])
        for was, row in enumerate(counts)
        for taken, count in enumerate(row)
        if was != taken and count
    ]
    pairs.sort(key=lambda pair: -pair[0])
    return ["most often taken for another:"] + [
        f"  {count:>5}  {was[:40]} as {taken[:40]}" for count, was, taken in pairs[:most]
    ]


def _percent(share: float | None) -> str:
    return _ABSENT if share is None else f"{100 * share:.1f}"
