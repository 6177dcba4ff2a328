"""Real workers on this machine: a killed one's point is done by another, and none is lost."""

from __future__ import annotations

import dataclasses
import os
import platform
import signal
import threading

import numpy as np
import pytest

from edge_deploy import labs
from edge_deploy.teaching.explore import pool, search
from edge_deploy.teaching.explore.pool import Bench, Processes
from edge_deploy.training import recipe, runtime
from edge_deploy.training.datasets import NoData
from tests.teaching.explore import processes

pytestmark = pytest.mark.usefixtures("training")


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory):
    """One for all, so that what every virtual board needs is built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def test_points_are_trained_and_measured_and_a_failed_one_says_why(task, bench):
    own = bench.do(task())
    assert own.failure is None
    assert own.judged.name == "rmse"
    assert own.judged.samples == 32
    assert own.judged.in_int8.origin.startswith("measured:")
    assert own.judged.in_int8.origin.endswith("validation samples")
    assert own.model[4:8] == b"TFL3"
    expected = {
        *("cycles", "cycles_board", "latency_us", "energy_uj", "arena_bytes", "ram_bytes"),
        *("flash_bytes", "weights_bytes", "code_bytes", "macs", "parameters", "stack_bytes"),
    }
    assert expected <= set(own.costs)
    assert own.costs["cycles"].origin == "modelled:cortex_m4"
    assert own.costs["parameters"].value == 4 * 2 + 4 + 1

    # Another job in between must not change what a job gives.
    wider = bench.do(task(width=8, reach=2.0))
    again = bench.do(task())
    assert wider.costs["cycles"].value > own.costs["cycles"].value
    assert again.model == own.model
    assert (again.judged, again.facts) == (own.judged, own.facts)
    # A clock of microseconds and a meter of nanojoules are read before and after: the last digit
    # depends on when. Cycles and bytes do not.
    steps = {"us": 1, "uJ": 0.002}
    for name, cost in own.costs.items():
        step = steps.get(cost.unit, 0)
        assert again.costs[name].value == pytest.approx(cost.value, rel=0, abs=step), name

    wild = bench.do(task(rate="wild"))
    assert (wild.failure.kind, wild.failure.lasting) == ("TrainingDiverged", True)
    none = bench.do(task(rate="none"))
    assert none.failure.kind == "BadInput"
    assert "ValueError: no rate" in none.failure.message


def test_a_killed_workers_point_is_done_by_another(task, stuck):
    # All of them fail in the recipe, before TensorFlow is loaded.
    tasks = [task(reach=reach) for reach in (1.0, 2.0)]
    text = (
        tasks[0].files["recipe.py"].decode().replace("assert set(knobs)", "assert not set(knobs)")
    )
    tasks = [
        dataclasses.replace(one, files={**one.files, "recipe.py": text.encode()}) for one in tasks
    ]
    killer = threading.Thread(target=lambda: os.kill(stuck()[0], signal.SIGKILL))
    killer.start()
    found = list(Processes(2).run(tasks))
    killer.join()
    assert sorted(point.key for point in found) == sorted(one.key for one in tasks)
    assert [(point.failure.kind, point.failure.lasting) for point in found] == [
        ("BadInput", True)
    ] * 2


def test_a_worker_that_dies_each_time_is_a_failed_point(task, bench, monkeypatch, folder):
    text = (folder / "recipe.py").read_text()
    (folder / "recipe.py").write_text(
        text.replace(
            "def data(seed, knobs):\n", "def data(seed, knobs):\n    import os; os._exit(9)\n"
        )
    )
    died = bench.do(task())
    assert died.failure.kind == "WorkerDied"
    assert not died.failure.lasting
    assert died.failure.message == f"its worker died {pool.ATTEMPTS} times (exit code 9)"


@processes.needs_proc
def test_what_is_wrong_with_the_machine_ends_the_search(task, folder, tmp_path):
    text = (folder / "recipe.py").read_text()
    (folder / "recipe.py").write_text(
        text.replace("def data(seed, knobs)", "RECORDINGS = True\ndef data(seed, folder, knobs)")
    )
    with pytest.raises(
        Exception, match="twice learns from recordings, and none are given"
    ) as caught:
        list(Processes(1).run([task()]))
    assert caught.value.exit_code == NoData.exit_code
    assert processes.of(os.getpid()) == []


@pytest.mark.slow
def test_the_labs_own_point_is_the_committed_model_to_the_byte(bench):
    lab = labs.load("hello")
    here = f"{runtime.versions()}, numpy {np.__version__}, {platform.machine()}"
    if here not in (lab.folder / "card.md").read_text("utf-8"):
        pytest.skip(f"the card is by other versions than {here}")
    (own,) = search.tasks_of(lab, recipe.load(lab.folder), search.Wish("nano33", 1))
    assert bench.do(own).model == lab.model.read_bytes()
