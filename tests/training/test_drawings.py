"""Pictures of a card: the same figures give the same bytes, and what is known is drawn."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest

from edge_deploy import roc
from edge_deploy.drawing import matrix, png
from edge_deploy.training import drawings
from edge_deploy.training.classification import Classification
from edge_deploy.training.result import Epoch, Outputs

image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")

HISTORY = [Epoch(n, 5, 1 / n, 1.1 / n, 0.5 + 0.08 * n) for n in range(1, 6)]
CURVES = {
    "auc": roc.of(np.arange(8), np.arange(8) > 3),
    "auc_x": roc.of(np.arange(8) % 5, np.arange(8) > 3),
}
BLUE, ORANGE = (9, 105, 218), (188, 76, 0)


def _pixels(content):
    """(height, width, 3) of a PNG, and that nothing but the picture is in the file."""
    opened = image.open(io.BytesIO(content))
    assert opened.format == "PNG"
    assert set(opened.info) <= {"dpi"}
    return np.asarray(opened.convert("RGB"))


def _has(pixels, colour):
    return int((pixels == colour).all(axis=2).sum())


def test_the_same_history_gives_the_same_bytes_whatever_the_users_settings():
    import matplotlib as mpl

    drawn = drawings.curve(HISTORY, 5, "lab: training")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "savefig.dpi": 30}):
        assert drawings.curve(HISTORY, 5, "lab: training") == drawn
    assert drawings.curve(HISTORY[:-1], 4, "lab: training") != drawn
    pixels = _pixels(drawn)
    assert pixels.shape == (360, 920, 3)
    assert _has(pixels, BLUE) > 100


def test_the_epoch_that_was_taken_is_marked_and_accuracy_only_where_it_is_known():
    last = _pixels(drawings.curve(HISTORY, 5, "t"))
    third = _pixels(drawings.curve(HISTORY, 3, "t"))
    assert _has(last, ORANGE) == 0
    assert _has(third, ORANGE) > 50
    without = [Epoch(e.number, e.of, e.loss, e.validation_loss) for e in HISTORY]
    assert _pixels(drawings.curve(without, 5, "t")).shape[1] == 460
    # One epoch has no line between two points; it is a point.
    assert _has(_pixels(drawings.curve(without[:1], 1, "t")), BLUE) > 20


def test_a_confusion_matrix_is_of_the_int8_model():
    counts = np.array([[40, 0], [30, 10]])
    classes = Classification(("a", "b"), np.eye(2, dtype=int), counts)
    expected = png.encoded(matrix.emit("t", ("a", "b"), counts))
    assert drawings.confusion(classes, "t") == expected


def test_which_pictures_a_result_has():
    eye, ones = np.eye(2, dtype=np.float32), np.zeros((4, 1), np.float32)
    kinds = np.array([0, 1, 0, 1], np.float32)
    name = drawings.names
    assert name(("a", "b"), Outputs(eye, eye, eye)) == ("curve.png", "confusion.png")
    areas = {"auc": roc.of(kinds, kinds)}
    assert name((), Outputs(kinds, ones, ones, areas, areas)) == ("curve.png", "roc.png")
    assert name(("anomaly",), Outputs(ones, ones, ones)) == ("curve.png",)
    assert name((), Outputs(ones, ones, ones)) == ("curve.png", "outputs.png")
    assert name((), Outputs(kinds, eye, eye)) == ("curve.png", "outputs.png")
    assert name((), Outputs(ones, eye, eye)) == ("curve.png", "outputs.png")
    assert name((), Outputs(eye, ones[:2], ones[:2])) == ("curve.png",)


@pytest.mark.parametrize(
    ("labels", "outputs"),
    [
        ((), Outputs(np.linspace(-1, 1, 50), np.linspace(-1, 1, 50), np.linspace(-1, 0.9, 50))),
        (("anomaly",), Outputs(np.eye(2), np.eye(2), np.eye(2), CURVES, CURVES)),
        (("a", "b"), Outputs(np.eye(2), np.eye(2), np.eye(2)[::-1])),
    ],
)
def test_all_pictures_of_a_result_are_drawn_and_say_that_it_was_quick(labels, outputs):
    result = SimpleNamespace(
        lab="lab",
        quick=False,
        history=HISTORY,
        best_epoch=5,
        outputs=outputs,
        pictures=drawings.names(labels, outputs),
        classes=Classification(labels, np.eye(2, dtype=int), np.eye(2, dtype=int)),
    )
    drawn = drawings.pictures(result)
    assert tuple(drawn) == result.pictures
    assert len(drawn) == 2
    quick = drawings.pictures(SimpleNamespace(**{**vars(result), "quick": True}))
    for name, content in drawn.items():
        _pixels(content)
        assert quick[name] != content


def test_curves_of_anomalies_are_of_both_models():
    kinds = np.arange(400) % 2
    draw = np.random.default_rng(5)
    good = roc.of(draw.normal(0, 1, 400) + 6 * kinds, kinds)
    bad = roc.of(draw.normal(0, 1, 400), kinds)
    drawn = drawings.areas({"auc": bad}, {"auc": good}, "t")
    assert drawn == drawings.areas({"auc": bad}, {"auc": good}, "t")
    assert drawn != drawings.areas({"auc": good}, {"auc": bad}, "t")
    pixels = _pixels(drawn)
    # Okabe and Ito's colours. The good one goes up at the left edge, where the other has no line.
    left = pixels[110:500, 140:170]
    assert _has(left, (0x00, 0x72, 0xB2)) > 50
    assert _has(left, (0xD5, 0x5E, 0x00)) == 0
    assert _has(pixels, (0xD5, 0x5E, 0x00)) > 50
