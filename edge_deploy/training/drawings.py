"""Training and its result as PNG pictures: the curve of the losses, and what came out.

The same figures and the same matplotlib give the same bytes: nothing of the user's own settings,
no date, no version in the file. matplotlib comes with the extra `train`, and is imported when
something is drawn. Knows nothing about networks or files.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.drawing import curves, matrix, png
from edge_deploy.roc import Roc
from edge_deploy.training import runtime
from edge_deploy.training.classification import Classification
from edge_deploy.training.result import CONFUSION, CURVE, OUTPUTS, ROC, Epoch, Outputs, TrainResult

_FLOAT, _INT8, _GREY = "#0969da", "#bc4c00", "#8c959f"
_DPI = 100
# Losses that span more than this are drawn on a logarithmic axis.
_WIDE = 30.0
# Points of a scatter; more hide each other.
_POINTS_MOST = 2_000


def names(labels: Sequence[str], outputs: Outputs) -> tuple[str, ...]:
    """The pictures that `pictures` draws of a result. labels: the recipe's."""
    if len(labels) > 1:
        return CURVE, CONFUSION
    if outputs.int8_curves:
        return CURVE, ROC
    if not labels and np.asarray(outputs.targets).size == outputs.in_int8.size:
        return CURVE, OUTPUTS
    return (CURVE,)


def pictures(result: TrainResult) -> dict[str, bytes]:
    """All pictures of a result, by file name. Raises MatplotlibMissing."""
    name = f"{result.lab}, quick run" if result.quick else result.lab
    outputs = result.outputs
    drawn = {CURVE: curve(result.history, result.best_epoch, f"{name}: training")}
    if CONFUSION in result.pictures and result.classes is not None:
        drawn[CONFUSION] = confusion(result.classes, f"{name}, int8: what was taken for what")
    if ROC in result.pictures:
        title = f"{name}: anomalies, and the area under each curve"
        drawn[ROC] = areas(outputs.float_curves, outputs.int8_curves, title)
    if OUTPUTS in result.pictures:
        drawn[OUTPUTS] = scatter(
            outputs.targets, outputs.in_float, outputs.in_int8, f"{name}: outputs"
        )
    return drawn


def curve(history: Sequence[Epoch], best_epoch: int, title: str) -> bytes:
    """Losses by epoch, and accuracy where it is known; a line at the epoch that was taken."""
    numbers = [epoch.number for epoch in history]
    known = [
        (e.number, e.validation_accuracy) for e in history if e.validation_accuracy is not None
    ]
    with _figure(2 if known else 1, title) as (panels, drawn):
        losses = panels[0]
        train = [epoch.loss for epoch in history]
        validation = [epoch.validation_loss for epoch in history]
        dots = "o" if len(numbers) == 1 else None
        losses.plot(numbers, train, color=_GREY, label="training", marker=dots)
        losses.plot(numbers, validation, color=_FLOAT, label="validation", marker=dots)
        finite = [each for each in (*train, *validation) if np.isfinite(each)]
        if finite and min(finite) > 0 and max(finite) > _WIDE * min(finite):
            losses.set_yscale("log")
        losses.set(xlabel="epoch", ylabel="loss")
        if known:
            panels[1].plot(
                [number for number, _ in known],
                [100 * share for _, share in known],
                color=_FLOAT,
                label="validation",
                marker=dots,
            )
            panels[1].set(xlabel="epoch", ylabel="accuracy, %")
        for panel in panels:
            if best_epoch != numbers[-1]:
                panel.axvline(best_epoch, color=_INT8, linestyle="--", label="weights taken")
            panel.legend()
            panel.grid(visible=True, color="#d8dee4", linewidth=0.6)
            panel.xaxis.get_major_locator().set_params(integer=True)
    return drawn.getvalue()


def confusion(classes: Classification, title: str) -> bytes:
    """What each class (row) was taken for (column) by the int8 model."""
    return png.encoded(matrix.emit(title, classes.labels, classes.in_int8))


def areas(in_float: Mapping[str, Roc], in_int8: Mapping[str, Roc], title: str) -> bytes:
    """ROC curves: how many anomalies are found for how many false alarms.

    All of the int8 model, by their names alone, and the first of the float one, to see what int8
    changed.
    """
    # "high" of "auc_high": the room beside the picture is narrow.
    few = [(name.removeprefix("auc_"), one) for name, one in in_int8.items()]
    few += [(f"{name}, float", one) for name, one in list(in_float.items())[:1]]
    lines = []
    for name, one in few:
        corners = one.corners()
        x = 100 * corners.false_positives / one.negatives
        y = 100 * corners.true_positives / one.positives
        points = tuple(zip(x.tolist(), y.tolist(), strict=True))
        lines.append(curves.Line(f"{name} {one.auc:.3f}", points))
    panel = curves.Panel("anomalies found, %", tuple(lines))
    across = "false alarms, % of what is normal"
    return png.encoded(curves.emit(title, across, [panel], panel_height=curves.SQUARE))


def scatter(
    targets: NDArray[Any],
    in_float: NDArray[np.float32],
    in_int8: NDArray[np.float32],
    title: str,
) -> bytes:
    """Outputs against what they should be, and how far they are off; all of the same shape."""
    wanted = np.asarray(targets, np.float64).ravel()
    every = -(-len(wanted) // _POINTS_MOST)
    with _figure(2, title, height=4.2) as ((panel, off), drawn):
        ends = [float(wanted.min()), float(wanted.max())]
        panel.plot(ends, ends, color=_GREY, linewidth=0.8)
        off.axhline(0, color=_GREY, linewidth=0.8)
        for values, colour, name in ((in_int8, _INT8, "int8"), (in_float, _FLOAT, "float")):
            told = np.asarray(values, np.float64).ravel()
            for axes, height in ((panel, told), (off, told - wanted)):
                axes.plot(wanted[::every], height[::every], ".", color=colour, ms=3, label=name)
        panel.set(xlabel="target", ylabel="output")
        off.set(xlabel="target", ylabel="output less target")
        for axes in (panel, off):
            axes.legend()
            axes.grid(visible=True, color="#d8dee4", linewidth=0.6)
    return drawn.getvalue()


@contextmanager
def _figure(
    panels: int, title: str, *, width: float = 0.0, height: float = 3.6
) -> Iterator[tuple[Sequence[Any], io.BytesIO]]:
    """Axes side by side, and the buffer that holds their PNG once the block is left."""
    png.check()
    with runtime.quiet():  # it tells at length that it looks for fonts
        from matplotlib import style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawn = io.BytesIO()
        with style.context("default", after_reset=True):
            figure = Figure(figsize=(width or 4.6 * panels, height), dpi=_DPI, layout="constrained")
            canvas: Any = FigureCanvasAgg(figure)
            figure.suptitle(title, fontsize=11, parse_math=False)
            axes = [figure.add_subplot(1, panels, index + 1) for index in range(panels)]
            yield axes, drawn
            # No Software entry: another version of matplotlib alone shall not change the file.
            canvas.print_png(drawn, metadata={"Software": None})
