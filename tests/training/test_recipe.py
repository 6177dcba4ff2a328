"""A recipe is loaded by its path, and what is wrong with it is told with its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_deploy.errors import BadInput
from edge_deploy.training import recipe

GOOD = """
from __future__ import annotations
from dataclasses import dataclass
from edge_deploy.training import About

@dataclass
class Own:
    width: int = 3

SEED, EPOCHS, BATCH = 1, 2, 3
ABOUT = About("purpose", "data", "limits")
def data(seed): return Own().width // seed
def network(plan): return None
def score(targets, outputs): return {}
"""


def _knob(words):
    return f"{GOOD}from edge_deploy.training import Aim, Knob\nKNOBS = (Knob({words}),)\n"


def _write(folder, text):
    folder.mkdir(parents=True)
    (folder / "recipe.py").write_text(text)
    return folder


def test_folders_with_the_same_odd_name_are_two_modules(tmp_path):
    one = recipe.load(_write(tmp_path / "a" / "my lab-1", GOOD))
    two = recipe.load(_write(tmp_path / "b" / "my lab-1", GOOD.replace("= 3\n", "= 5\n", 1)))
    assert (one.data(1), two.data(1)) == (3, 5)
    assert one.data.__module__ != two.data.__module__
    assert one.data.__module__.isidentifier()
    assert (one.seed, one.epochs, one.batch) == (1, 2, 3)


def test_a_recipe_without_knobs_has_none_and_one_with_them_says_where_they_stand(tmp_path):
    plain = recipe.load(_write(tmp_path / "plain", GOOD))
    assert (plain.knobs, plain.defaults, plain.aim, plain.variant) == ((), {}, None, None)
    text = _knob(
        "'width', 'of all', (0.5, 1.0), 1.0), Knob('kind', '', ('a', 'b'), 'b', inputs=True"
    )
    text = text.replace("def data(seed)", "def data(seed, knobs)")
    text += "AIM = Aim('rmse', least=True)\ndef variant(lab, knobs): return lab\n"
    knobbed = recipe.load(_write(tmp_path / "knobbed", text))
    assert knobbed.defaults == {"width": 1.0, "kind": "b"}
    assert knobbed.knobs[0] == recipe.Knob("width", "of all", (0.5, 1.0), 1.0)
    assert knobbed.aim == recipe.Aim("rmse", least=True)
    assert knobbed.of_inputs({"width": 0.5, "kind": "a"}) == {"kind": "a"}
    assert knobbed.variant(3, {}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_this_name", r"recipe\.py, line 1: ModuleNotFoundError: No module"),
        ("x = 1\ndef broken(:\n", r"recipe\.py, line 2: SyntaxError"),
        (GOOD.replace("def score", "def scores"), "the function score is missing"),
        (GOOD.replace("ABOUT", "ABOUTS"), r"ABOUT is missing \(About\)"),
        (GOOD.replace("= 1, 2, 3", "= 1, 2, 0"), "BATCH is 0; expected at least 1"),
        (GOOD.replace("= 1, 2, 3", "= 1, True, 3"), "EPOCHS is True; expected int"),
        (GOOD.replace("data(seed)", "data(seed, knobs)"), "data.. takes knobs, and none of KNOBS"),
        (_knob("'w', '', (1,), 1, inputs=True"), "a knob has inputs=True, and data.. takes no"),
        (GOOD + "KNOBS = [1]", r"KNOBS is \[1\]; expected tuple"),
        (GOOD + "KNOBS = (1,)", "KNOBS has 1; expected Knob"),
        (GOOD + "AIM = 'rmse'", "AIM is 'rmse'; expected Aim"),
        (GOOD + "variant = 3", "the function variant is missing"),
        (_knob("'Width', '', (1,), 1"), "'Width' has another name than lower-case"),
        (_knob("'w', '', (1,), 1), Knob('w', '', (2,), 2"), "'w' stands there twice"),
        (_knob("'w', '', (), 1"), r"'w' has \(\); expected all int, all float or all str"),
        (_knob("'w', '', (1, 2.0), 1"), r"'w' has \(1, 2\.0\); expected all int"),
        (_knob("'w', '', (True,), True"), r"'w' has \(True,\); expected all int"),
        (_knob("'w', '', (float('nan'),), 1.0"), r"'w' has \(nan,\); expected finite"),
        (_knob("'w', '', (1, 1), 1"), r"'w' has a value twice: \(1, 1\)"),
        (_knob("'w', '', (1, 2), 3"), "'w' has the default 3, which is none of its values"),
        (_knob("'w', '', (1, 2), 1.0"), r"'w' has the default 1\.0, which is none of its values"),
    ],
)
def test_a_wrong_recipe_is_told_with_its_place(tmp_path, text, message):
    before = set(sys.modules)
    with pytest.raises(BadInput, match=message):
        recipe.load(_write(tmp_path / "lab", text))
    assert "import nothing" not in text or set(sys.modules) == before


def test_a_folder_without_a_recipe(tmp_path):
    with pytest.raises(BadInput, match=r"no recipe\.py, so there is nothing to train"):
        recipe.load(tmp_path)


def test_blame_names_the_recipes_own_line_not_the_librarys(tmp_path):
    loaded = recipe.load(_write(tmp_path / "lab", GOOD))
    line = GOOD.splitlines().index("def data(seed): return Own().width // seed") + 1
    with (
        pytest.raises(BadInput, match=rf"recipe\.py, line {line}: ZeroDivisionError"),
        recipe.blamed(loaded.path),
    ):
        loaded.data(0)


def test_what_is_not_the_recipes_fault_stays_what_it_is():
    with pytest.raises(ZeroDivisionError), recipe.blamed(Path("elsewhere.py")):
        _ = 1 // 0
