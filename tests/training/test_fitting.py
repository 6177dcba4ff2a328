"""Early stopping and quick runs, and that going on is the same as never having stopped."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import labs
from edge_deploy.errors import BadInput
from edge_deploy.training import Quick, Watch, kept, quick_of, recipe, train
from tests.training import small_labs

pytestmark = pytest.mark.usefixtures("tensorflow")

# What the validation loss of the small lab would be is chance: here it is what a list says.
STEERED = """
def network(plan):
    from tensorflow import keras
    class Steered(keras.losses.Loss):
        # Of a network whose only weight counts the epochs: |count - 3| falls, then rises.
        def call(self, targets, outputs):
            return keras.ops.abs(outputs[:, 0] - 3.0)
    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.count = self.add_weight(shape=(3,), initializer="zeros", trainable=False)
            self.part = self.add_weight(shape=(), initializer="zeros")
        def call(self, x, training=False):
            if training:
                self.count.assign_add(keras.ops.ones(3) / plan.steps_per_epoch)
            return 0.0 * x + self.count + 0.0 * self.part
    model = keras.Sequential([keras.Input((1,)), Counts()])
    model.compile(keras.optimizers.SGD(0.1), Steered())
    return model
"""


def _steered(folder, patience):
    head, tail = small_labs.THIRDS.split("\ndef network(plan):")
    text = head.replace("PATIENCE = 0", f"PATIENCE = {patience}").replace("= 7, 5,", "= 7, 9,")
    return small_labs.write(folder, text + STEERED + "\ndef score" + tail.split("\ndef score")[1])


@pytest.mark.parametrize(("patience", "trained", "best"), [(2, 5, 3), (7, 9, 3), (0, 9, 9)])
def test_early_stopping_takes_the_weights_of_the_best_epoch(tmp_path, patience, trained, best):
    result = train(labs.load_folder(_steered(tmp_path / "lab", patience)))
    losses = [epoch.validation_loss for epoch in result.history]
    assert losses == pytest.approx([2, 1, 0, 1, 2, 3, 4, 5, 6][:trained], abs=1e-5)
    assert (len(result.history), result.best_epoch, result.epochs) == (trained, best, 9)


def test_early_stopping_survives_an_interruption(tmp_path):
    folder = _steered(tmp_path / "lab", 2)
    whole = train(labs.load_folder(folder))
    (folder / "stop").write_text("4 SIGINT")
    with kept(tmp_path / "kept", "lab", ()) as one:
        with pytest.raises(KeyboardInterrupt):
            train(labs.load_folder(folder), kept=one)
        assert one.epochs == 4
        again = train(labs.load_folder(folder), kept=one)
    assert again.model == whole.model
    assert again.card == whole.card
    assert again.history == whole.history
    assert again.best_epoch == 3


def test_batches_and_stages_are_told(tmp_path):
    batches, said = [], []
    watch = Watch(batch=batches.append, say=said.append)
    folder = small_labs.write(tmp_path / "lab")
    watched = train(labs.load_folder(folder), epochs=2, watch=watch)
    assert [(one.epoch, one.number, one.of) for one in batches] == [
        (epoch, number, 10) for epoch in (1, 2) for number in range(1, 11)
    ]
    assert batches[-1].loss == pytest.approx(watched.history[-1].loss, rel=1e-5)
    assert said == ["Making the samples ...", "Quantizing, and trying the test samples ..."]
    # To be watched changes nothing.
    assert train(labs.load_folder(folder), epochs=2).model == watched.model


def test_quick_is_a_tenth_or_what_the_recipe_says(tmp_path):
    folder = small_labs.write(tmp_path / "lab")
    assert quick_of(recipe.load(folder)) == Quick(3)
    text = small_labs.THIRDS.replace("= 7, 5,", "= 7, 41,")
    assert quick_of(recipe.load(small_labs.write(folder, text))) == Quick(5)
    said = "\nfrom edge_deploy.training import Quick\nQUICK = Quick(epochs=2, samples=64)\n"
    folder = small_labs.write(folder, small_labs.THIRDS + said)
    result = train(labs.load_folder(folder), quick=True)
    assert len(result.history) == result.epochs == 2
    assert "| training   | 64 " in result.card
    assert train(labs.load_folder(folder), quick=True).model == result.model
    wrong = small_labs.write(folder, small_labs.THIRDS + "QUICK = 3\n")
    with pytest.raises(BadInput, match="QUICK is 3; expected Quick"):
        recipe.load(wrong)


def test_reordered_samples_are_the_same_samples():
    samples = recipe.Samples(np.arange(50, dtype=np.float32)[:, None], np.arange(50))
    fresh = recipe.reordered(samples, 3)
    first, second = fresh(0), fresh(1)
    assert sorted(first.targets) == sorted(second.targets) == list(range(50))
    assert (first.inputs[:, 0] == first.targets).all()
    assert first.targets.tolist() != second.targets.tolist()
    assert fresh(0).targets.tolist() == first.targets.tolist()
