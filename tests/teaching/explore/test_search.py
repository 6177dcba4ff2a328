"""A search: its jobs, what is kept, what is done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_deploy import labs
from edge_deploy.errors import BadInput, BuildFailed
from edge_deploy.teaching.explore import search
from edge_deploy.teaching.explore.search import Wish
from edge_deploy.teaching.explore.store import Store
from edge_deploy.training import recipe as recipes
from tests.teaching.explore.made import failed, point


class Doers:
    """Does jobs as told: by position, a point or an error."""

    def __init__(self, make):
        self.make = make
        self.asked = []

    def run(self, tasks):
        for task in tasks:
            self.asked.append(task.key)
            found = self.make(task)
            if isinstance(found, Exception):
                raise found
            yield found


@pytest.fixture
def found(folder):
    return search.tasks_of(labs.load_folder(folder), recipes.load(folder), Wish("nano33", 4))


@pytest.fixture
def run(tmp_path, found):
    store = Store(tmp_path / "results")

    def go(make):
        doers, seen = Doers(make), {"kept": [], "ended": [], "said": []}
        with store.held():
            points = search.run(
                found,
                doers,
                store,
                kept=lambda one: seen["kept"].append(one.key),
                ended=lambda one: seen["ended"].append(one.key),
                said=seen["said"].append,
            )
        return points, doers.asked, seen

    go.store = store
    return go


def test_jobs_have_the_recipes_effort_or_a_quick_one(folder):
    lab, recipe = labs.load_folder(folder), recipes.load(folder)
    plain = search.tasks_of(lab, recipe, Wish("nano33", 5))
    assert len(plain) == 5
    assert {(t.seed, t.epochs, t.most_samples) for t in plain} == {(7, 24, None)}
    assert plain[0].knobs == recipe.defaults
    assert plain[0].inputs == {"reach": 1.0}
    quick = search.tasks_of(lab, recipe, Wish("nano33", 5, quick=True, seed=3, data=Path("x")))
    assert {(t.seed, t.epochs, t.most_samples) for t in quick} == {(3, 6, 1000)}
    # A recipe that makes its own data is not another one beside other recordings.
    assert {(t.data, t.data_mark) for t in quick} == {("", "")}
    assert search.tasks_of(lab, recipe, Wish("nano33", 1, epochs=9))[0].epochs == 9


def test_recordings_are_where_the_user_says_or_beside_the_lab_or_fetched(folder, monkeypatch):
    path = folder / "recipe.py"
    path.write_text(
        path.read_text().replace(
            "def data(seed, knobs)", "RECORDINGS = 1\ndef data(seed, f, knobs)"
        )
    )
    home = folder.parent / "home"
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))

    def where(data=None):
        wish = Wish("nano33", 1, data=data)
        (task,) = search.tasks_of(labs.load_folder(folder), recipes.load(folder), wish)
        return task.data, task.data_mark != ""

    assert where() == ("", False)
    (home / "cache" / "recordings" / "words").mkdir(parents=True)
    assert where() == (str(home / "cache" / "recordings"), True)
    (folder / "data").mkdir()
    assert where() == (str(folder / "data"), True)
    assert where(Path("elsewhere")) == (str(Path("elsewhere").absolute()), False)


def test_a_lab_without_knobs_is_told_how_to_add_them(folder):
    path = folder / "recipe.py"
    text = path.read_text().replace("KNOBS", "OTHER").replace("data(seed, knobs)", "data(seed)")
    path.write_text(text)
    with pytest.raises(BadInput, match="twice has no knobs") as caught:
        search.tasks_of(labs.load_folder(folder), recipes.load(folder), Wish("nano33", 1))
    assert "Knob(" in caught.value.try_next[0]


def test_what_is_kept_is_not_done_again(run, found):
    points, asked, seen = run(lambda task: point(task.key, task.knobs))
    keys = [task.key for task in found]
    assert [one.key for one in points] == asked == seen["ended"] == keys
    again, asked, seen = run(lambda task: pytest.fail("done again"))
    assert asked == []
    assert seen["kept"] == keys
    assert [one.as_json() for one in again] == [one.as_json() for one in points]


def test_a_damaged_result_is_done_again_alone(run, found):
    run(lambda task: point(task.key, task.knobs))
    path = run.store.folder / f"{found[2].key}.json"
    path.write_text("{")
    points, asked, seen = run(lambda task: point(task.key, task.knobs, figure=0.5))
    assert asked == [found[2].key]
    assert seen["said"] == [f"{path} is damaged (JSONDecodeError); the point is done again."]
    assert [one.judged.in_int8.value for one in points] == [0.9, 0.9, 0.5, 0.9]


def test_a_failure_of_the_point_is_kept_and_one_of_the_moment_is_tried_again(run, found):
    first, second = found[0].key, found[1].key

    def make(task):
        if task.key == first:
            return failed(first)
        if task.key == second:
            return failed(second, "WorkerDied", lasting=False)
        return point(task.key)

    points, _, _ = run(make)
    assert [one.failure is None for one in points] == [False, False, True, True]
    _, asked, _ = run(make)
    assert asked == [second]


def test_what_was_done_before_the_machine_failed_is_kept(run, found):
    with pytest.raises(BuildFailed, match="no compiler"):
        run(lambda task: point(task.key) if task is not found[2] else BuildFailed("no compiler"))
    _, asked, seen = run(lambda task: point(task.key))
    assert seen["kept"] == [found[0].key, found[1].key]
    assert asked == [found[2].key, found[3].key]


def test_a_front_is_of_points_that_worked_and_turns_over_where_less_is_better():
    points = [
        point(figure=0.5, cycles=10),
        failed(),
        point(figure=0.4, cycles=20),
        point(figure=0.6, cycles=30),
    ]
    assert search.front_of(points, "cycles", least=False) == [0, 3]
    assert search.front_of(points, "cycles", least=True) == [0, 2]
    assert search.front_of(points, "energy_uj", least=True) == []


def test_points_made_with_different_compilers_are_told():
    one, other = point(), point()
    assert search.mixed([one, other, failed()]) == []
    object.__setattr__(other, "facts", {"compiled_with": "zig 0.13"})
    assert search.mixed([one, other]) == [
        "Not all points had the same compilers: gcc 12.2, zig 0.13."
    ]
