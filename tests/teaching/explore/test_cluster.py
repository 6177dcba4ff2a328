"""A scheduler and two workers as real processes on this machine, one of them killed on the way."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_deploy.errors import EdgeDeployError, Exit
from edge_deploy.teaching.explore import cluster as clusters
from edge_deploy.teaching.explore.cluster import Cluster, ClusterDiffers, ClusterLost
from tests.teaching.explore import processes

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """`start("worker", ...)`: a process of Dask's command line, ended with the module."""
    room = tmp_path_factory.mktemp("cluster")
    started = []
    environment = {**os.environ, "EDGE_DEPLOY_HOME": str(room / "home"), "PYTHONWARNINGS": ""}

    def go(*words):
        with (room / f"{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=room,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def address(start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    return f"tcp://127.0.0.1:{port}"


@pytest.fixture
def worker(start, address):
    """`worker()`: one more, without a nanny that would start it again."""
    return lambda: start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")


def _needing_recordings(task):
    text = task.files["recipe.py"].decode()
    text = text.replace("def data(seed, knobs)", "RECORDINGS = True\ndef data(seed, folder, knobs)")
    return {**task.files, "recipe.py": text.encode()}


@pytest.mark.usefixtures("training")
@processes.needs_proc
def test_a_killed_workers_points_are_done_by_the_other_and_none_twice(
    address, worker, task, stuck, monkeypatch
):
    tasks = [task(width=2), task(width=8), task(rate="none")]
    workers = {one.pid: one for one in (worker(), worker())}
    said = []
    cluster = Cluster(address, said.append)
    try:
        deadline = time.monotonic() + 60
        while cluster.workers < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert cluster.workers == 2

        killer = threading.Thread(target=lambda: os.kill(stuck()[1], signal.SIGKILL))
        killer.start()
        found = list(cluster.run(tasks))
        killer.join()
        child, killed = stuck()
        assert workers.pop(killed).wait(10) == -signal.SIGKILL
        assert [other.poll() for other in workers.values()] == [None]
        assert sorted(point.key for point in found) == sorted(one.key for one in tasks)
        worked = {point.key: point.failure is None for point in found}
        assert worked == {one.key: one.knobs["rate"] != "none" for one in tasks}
        # The process that did the victim's job has ended with it.
        assert not Path(f"/proc/{child}").exists()

        # What is wrong with a machine comes back whole, and once.
        nowhere = dataclasses.replace(
            tasks[0], files=_needing_recordings(tasks[0]), data="/nowhere"
        )
        with pytest.raises(EdgeDeployError, match=r"has no folder /nowhere, and EDGE_DEP") as wrong:
            list(cluster.run([nowhere]))
        assert wrong.value.exit_code is Exit.BAD_INPUT
        assert "--data FOLDER" in wrong.value.try_next[1]

        monkeypatch.setattr(clusters.edge_deploy, "__version__", "9.9.9")
        with pytest.raises(ClusterDiffers) as differs:
            Cluster(address, said.append)
        assert "has edge-deploy " in differs.value.message
        assert "here it is 9.9.9" in differs.value.message
        assert said == []
    finally:
        cluster.close()


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, caplog):
    monkeypatch.setattr(clusters, "CONNECT_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ClusterLost) as lost:
        Cluster(address, pytest.fail)
    assert lost.value.exit_code is Exit.LINK_LOST
    assert lost.value.message.startswith(f"the scheduler at {address} does not answer")
    assert "\n" not in lost.value.message
    assert caplog.records == []


def test_what_listens_but_is_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterLost, match=f"the scheduler at {address} does not answer"):
            Cluster(address, pytest.fail)


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(clusters.ClusterMissing, match="needs the Python package distributed") as no:
        Cluster("tcp://127.0.0.1:1", pytest.fail)
    assert no.value.try_next == ("pip install 'edge-deploy[cluster]'",)
