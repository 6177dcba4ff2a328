"""Early stopping and quick runs, and that going on is the same as never having stopped."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import labs
from edge_deploy.errors import BadInput
from edge_deploy.training import Quick, Watch, kept, quick_of, recipe, train
from edge_deploy.training.fitting import fit
from edge_deploy.training.train import data_of, network_of
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


def _run(folder, *, epochs=None, kept=None, watch=None):
    """Train without making anything int8: how it went, and every variable of the network."""
    found = recipe.load(folder)
    data = data_of(found, found.seed, None, "lab")
    plan = recipe.Plan(found.seed, epochs or found.epochs, found.batch, len(data.train))
    network = network_of(found, plan)
    how = fit(
        *(network, data, plan, found.path, watch or Watch()),
        patience=found.patience,
        kept=kept,
    )
    return how, [np.array(variable).tobytes() for variable in network.variables]


@pytest.mark.parametrize(("patience", "trained", "best"), [(2, 5, 3), (7, 9, 3), (0, 9, 9)])
def test_early_stopping_takes_the_weights_of_the_best_epoch(tmp_path, patience, trained, best):
    how, variables = _run(_steered(tmp_path / "lab", patience))
    losses = [epoch.validation_loss for epoch in how.history]
    assert losses == pytest.approx([2, 1, 0, 1, 2, 3, 4, 5, 6][:trained], abs=1e-5)
    assert (len(how.history), how.best_epoch) == (trained, best)
    counts = {round(float(value)) for each in variables for value in np.frombuffer(each, "f4")}
    assert best in counts


def test_early_stopping_survives_an_interruption(tmp_path):
    folder = _steered(tmp_path / "lab", 2)
    whole = _run(folder)
    (folder / "stop").write_text("4 SIGINT")
    with kept(tmp_path / "kept", "lab", ()) as one:
        with pytest.raises(KeyboardInterrupt):
            _run(folder, kept=one)
        assert one.epochs == 4
        assert _run(folder, kept=one) == whole
    assert whole[0].best_epoch == 3


def test_batches_and_stages_are_told(tmp_path):
    batches, said = [], []
    watch = Watch(batch=batches.append, say=said.append)
    folder = small_labs.write(tmp_path / "lab")
    watched = _run(folder, epochs=2, watch=watch)
    assert [(one.epoch, one.number, one.of) for one in batches] == [
        (epoch, number, 10) for epoch in (1, 2) for number in range(1, 11)
    ]
    assert batches[-1].loss == pytest.approx(watched[0].history[-1].loss, rel=1e-5)
    assert said == []
    # To be watched changes nothing.
    assert _run(folder, epochs=2) == watched
    with kept(tmp_path / "kept", "lab", ()) as one:
        _run(folder, epochs=2, kept=one)
        assert _run(folder, epochs=2, kept=one, watch=watch) == watched
    assert said == ["Going on after epoch 2 of 2."]


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
