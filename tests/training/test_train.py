"""A lab with a small recipe goes through training whole: model, card, figures, progress."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from edge_deploy import model
from edge_deploy.errors import BadInput
from edge_deploy.training import train
from edge_deploy.training.datasets import NoData
from edge_deploy.training.fitting import TrainingDiverged

RECIPE = """
import numpy as np
from edge_deploy.training import About, Data, Samples

SEED, EPOCHS, BATCH = 7, 6, 32
ABOUT = About("Doubles a number.", "Generated.", "Numbers from -1 to 1.")
RATE = 0.05

def data(seed):
    draw = np.random.default_rng(seed)
    def part(count):
        x = draw.uniform(-1, 1, (count, 1)).astype(np.float32)
        return Samples(x, 2 * x)
    return Data(part(320), part(32), part(64))

def network(plan):
    from tensorflow import keras
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4, "relu"),
                              keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(RATE), "mse")
    assert plan.steps == plan.epochs * 10
    return model

def score(targets, outputs):
    return {"max_abs_error": (float(abs(outputs - targets).max()), "1")}
"""


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "recipe.py").write_text(RECIPE)
    return SimpleNamespace(name="twice", title="Twice", folder=tmp_path, labels=())


@pytest.fixture
def changed(lab):
    def change(old, new):
        assert old in RECIPE
        (lab.folder / "recipe.py").write_text(RECIPE.replace(old, new))
        return lab

    return change


@pytest.mark.usefixtures("tensorflow")
def test_a_lab_is_trained_and_the_same_seed_gives_the_same_bytes(lab, tmp_path, capfd):
    seen = []
    result = train(lab, progress=seen.append)
    assert capfd.readouterr() == ("", "")
    assert [(epoch.number, epoch.of) for epoch in seen] == [(n, 6) for n in range(1, 7)]
    assert tuple(seen) == result.history
    assert seen[-1].loss < 0.1 * seen[0].loss

    assert model.read(result.model).sha256 == result.sha256
    assert result.sha256 == hashlib.sha256(result.model).hexdigest()
    (figure,) = result.figures
    assert figure.in_float.value < 0.3
    assert abs(figure.in_int8.value - figure.in_float.value) < 0.05
    assert figure.in_float.origin.startswith("measured:keras")
    assert figure.in_int8.origin == f"measured:{result.reference}"
    assert result.seconds > 0

    for text in (
        "# Model card of twice",
        "$ edge-deploy train twice --seed 7\n",
        result.sha256,
        f"{figure.in_int8.value:.4g}",
        "Numbers from -1 to 1.",
        result.reference,
    ):
        assert text in result.card
    assert str(tmp_path) not in result.card

    again = train(lab)
    assert (again.model, again.card) == (result.model, result.card)
    other = train(lab, seed=8, epochs=2)
    assert other.model != result.model
    assert "$ edge-deploy train twice --seed 8 --epochs 2\n" in other.card

    written = result.write(tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["model.tflite", "card.md"]
    assert written[0].read_bytes() == result.model
    assert sorted(path.name for path in written[0].parent.iterdir()) == ["card.md", "model.tflite"]
    # A disk that refuses one file gets none, and what was there stays.
    with pytest.raises(OSError, match="No such file"):
        other.write(written[0].parent, {"no folder/curve.png": b"PNG"})
    assert written[0].read_bytes() == result.model
    assert len(list(written[0].parent.iterdir())) == 2


@pytest.mark.usefixtures("tensorflow")
def test_a_loss_that_is_no_number_ends_training(changed):
    with pytest.raises(TrainingDiverged, match=r"the loss is nan after epoch 1 of 6"):
        train(changed("2 * x", "2 * x * np.nan"))


@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("part(64))", "part(0))", "0 inputs and 0 targets as test"),
        ("Samples(x, 2 * x)", "Samples(x, x[1:])", "320 inputs and 319 targets as train"),
        ("Samples(x, 2 * x)", "Samples(x * np.inf, x)", "inputs as train that are not finite"),
        ("return model", "return 3", r"network\(\) gives int, not a keras\.Model"),
        ("return model", "return nothing", r"recipe\.py, line \d+: NameError"),
    ],
)
def test_a_recipe_that_gives_the_wrong_thing_is_told(changed, old, new, message):
    with pytest.raises(BadInput, match=message):
        train(changed(old, new))


CLASSIFIER = """
import numpy as np
from edge_deploy.training import About, Data, Samples

SEED, EPOCHS, BATCH = 7, 3, 32
ABOUT = About("Tells less from more.", "Generated.", "Nothing but numbers.")
LABELS = ("less", "more", "most")
RECORDINGS = True
ASKED = []

def data(seed, folder):
    assert (folder / "recording").is_file()
    def part(count, key):
        x = np.random.default_rng((seed, key)).uniform(-1, 1, (count, 1)).astype(np.float32)
        return Samples(x, np.eye(3, dtype=np.float32)[np.digitize(x[:, 0], (-0.3, 0.3))])
    def fresh(epoch):
        ASKED.append(epoch)
        return part(320, 10 + epoch)
    return Data(part(320, 1), part(32, 2), part(64, 3), fresh=fresh, notes=("| own | table |",))

def network(plan):
    from tensorflow import keras
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(8, "relu"),
                              keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy", metrics=["accuracy"])
    return model

def score(targets, outputs):
    if ASKED:
        assert ASKED == [0, 1, 2]
    return {"accuracy": (float(np.mean(outputs.argmax(1) == targets.argmax(1))), "1")}
"""


@pytest.fixture
def classifier(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "recipe.py").write_text(CLASSIFIER)
    (tmp_path / "recording").touch()
    return SimpleNamespace(name="more", title="More", folder=folder, labels=())


@pytest.mark.usefixtures("tensorflow")
def test_a_classifier_hears_each_epoch_anew_and_says_what_it_confuses(classifier, tmp_path):
    result = train(classifier, recordings=tmp_path)
    assert [epoch.number for epoch in result.history] == [1, 2, 3]
    assert all(0 <= epoch.validation_accuracy <= 1 for epoch in result.history)
    (figure,) = result.figures
    assert figure.in_int8.value > 0.8
    counts = result.classes.in_int8
    assert counts.sum() == result.test_samples == 64
    assert counts.trace() / 64 == figure.in_int8.value
    for text in (
        "$ edge-deploy train more --seed 7 --data FOLDER\n",
        "| own | table |",
        f"- int8: {counts.trace()} of 64 right, ",
        "| int8 less float | float, 95 %",
        " points ",
        "](curve.png)",
        "](confusion.png)",
        "| less  | ",
        "taken for (column)",
    ):
        assert text in result.card
    assert str(tmp_path) not in result.card
    again = train(classifier, recordings=tmp_path)
    assert (again.model, again.card) == (result.model, result.card)


@pytest.mark.usefixtures("tensorflow")
def test_samples_of_one_class_are_nothing_to_tell_apart(classifier, tmp_path):
    text = CLASSIFIER.replace("np.digitize(x[:, 0], (-0.3, 0.3))", "np.ones(count, int)")
    (classifier.folder / "recipe.py").write_text(text)
    with pytest.raises(BadInput, match="all 320 training samples are of one class, more; there"):
        train(classifier, recordings=tmp_path)


@pytest.mark.usefixtures("tensorflow")
def test_a_classifier_without_its_recordings_is_told(classifier, tmp_path):
    with pytest.raises(NoData, match="more learns from recordings, and none are given") as caught:
        train(classifier)
    assert "--data FOLDER" in caught.value.try_next[0]
    with pytest.raises(NoData, match="recording is no folder"):
        train(classifier, recordings=tmp_path / "recording")
