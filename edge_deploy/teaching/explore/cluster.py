"""Jobs on the workers of a Dask cluster (`dask.distributed`, the extra `cluster`).

Each worker does a job in a process of its own beside it, as this machine's do: a worker with
several threads must not train two networks in one process. Where a worker dies, the scheduler
gives its jobs to another. Knows nothing about where results are kept.
"""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import edge_deploy
from edge_deploy.errors import BuildFailed, EdgeDeployError, LinkLost, WrongBoard
from edge_deploy.teaching.explore import task as tasks
from edge_deploy.teaching.explore.point import Failure, Point
from edge_deploy.teaching.explore.pool import Bench
from edge_deploy.teaching.explore.task import Task

# A scheduler on this or another machine answers in well under a second.
CONNECT_S = 10.0
# Workers come up within seconds of their scheduler. So long, too, a cluster may be without any.
WORKERS_S = 60.0
# How often it is looked whether there still are workers, and a scheduler.
_LOOK_S = 2.0

# Each thread of a worker has a process of its own.
_mine = threading.local()


class ClusterMissing(BuildFailed):
    """The package that speaks to a cluster is not installed."""


class ClusterLost(LinkLost):
    """The scheduler cannot be reached, or went away; or no worker is left."""


class ClusterDiffers(WrongBoard):
    """A worker has other versions than this machine: its points would be others."""


def identity() -> dict[str, str]:
    """What must be the same on every machine of a search."""
    return {
        "edge-deploy": edge_deploy.__version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }


def do(text: str) -> Point:
    """One job, on a worker."""
    if not hasattr(_mine, "bench"):
        _mine.bench = Bench()
    point: Point = _mine.bench.do(tasks.from_text(text))
    return point


class Cluster:
    """The workers behind a scheduler. said: told of what a person may want to do something about.

    Raises ClusterMissing, ClusterLost, ClusterDiffers.
    """

    def __init__(self, address: str, said: Callable[[str], None]) -> None:
        self._address = address
        self._said = said
        self._distributed = _load()
        _quiet()
        self._client: Any = self._connected()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _connected(self) -> Any:  # noqa: ANN401, dask ships no types
        """A client. In a thread, because what listens there but is no scheduler may say nothing."""
        made: list[Any] = []

        def connect() -> None:
            try:
                made.append(
                    self._distributed.Client(self._address, timeout=CONNECT_S, name="edge-deploy")
                )
            except Exception as error:  # noqa: BLE001, raised below
                made.append(error)

        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        thread.join(2 * CONNECT_S)
        if not made:
            raise self._lost(f"does not answer like one within {2 * CONNECT_S:g} s")
        if isinstance(made[0], BaseException):
            raise self._lost("does not answer", made[0]) from made[0]
        return made[0]

    @property
    def workers(self) -> int:
        """Jobs that it can do at a time."""
        try:
            return sum(self._client.nthreads().values())
        except Exception as error:
            raise self._lost("does not answer any more", error) from error

    def run(self, found: Sequence[Task]) -> Iterator[Point]:
        """The points of all jobs, as they end. Raises what is wrong with a machine, ClusterLost."""
        by_future: dict[Any, Task] = {}
        for task in found:
            # Not again after an error: what is wrong with a machine is to be told. After a worker's
            # death the scheduler gives its jobs to others by itself.
            future = self._client.submit(
                do, task.as_text(), key=f"edge-deploy-{task.key}", pure=False, retries=0
            )
            by_future[future] = task
        left = set(by_future)
        alone_since: float | None = None
        while left:
            ended = self._some(left)
            for future in ended:
                left.remove(future)
                yield self._point(future, by_future[future])
            alone_since = self._alone(alone_since) if not ended else None

    def close(self) -> None:
        """Let go: jobs that nobody waits for are not begun any more."""
        try:
            self._client.close(timeout=CONNECT_S)
        except Exception:
            logging.getLogger(__name__).debug("closing", exc_info=True)

    def _some(self, left: set[Any]) -> list[Any]:
        try:
            done = self._distributed.wait(left, timeout=_LOOK_S, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return []
        except Exception as error:
            raise self._lost("went away") from error
        return list(done)

    def _point(self, future: Any, task: Task) -> Point:  # noqa: ANN401, dask ships no types
        if future.status in {"cancelled", "lost"}:
            raise self._lost("went away")
        try:
            point: Point = future.result()
        except EdgeDeployError:
            raise
        except self._distributed.KilledWorker as error:
            text = f"{error.allowed_failures + 1} workers died over it"
            return Point(task.key, task.knobs, failure=Failure("WorkerDied", text))
        except Exception as error:
            raise self._lost("ended a job without a result", error) from error
        return point

    def _alone(self, since: float | None) -> float | None:
        """Since when the cluster has had no workers, None while it has some."""
        if self.workers:
            return None
        now = time.monotonic()
        if since is None:
            self._said(f"The cluster has no worker now; waiting {WORKERS_S:.0f} s for one.")
            return now
        if now - since > WORKERS_S:
            raise ClusterLost(
                f"the scheduler at {self._address} has had no worker for {WORKERS_S:.0f} s.",
                try_next=[f"dask worker {self._address} --nthreads 1", *_AGAIN],
            )
        return since

    def _check(self) -> None:
        """Raise unless there are workers, and all are like this machine."""
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise ClusterLost(
                f"the scheduler at {self._address} has no workers after {WORKERS_S:.0f} s.",
                try_next=[f"dask worker {self._address} --nthreads 1"],
            ) from error
        except Exception as error:
            raise self._lost("does not answer", error) from error
        try:
            answers: Mapping[str, Any] = self._client.run(identity, on_error="return")
        except Exception as error:
            raise self._lost("does not answer", error) from error
        ours = identity()
        for worker, theirs in answers.items():
            if isinstance(theirs, ModuleNotFoundError):
                raise ClusterDiffers(f"the worker {worker} has no {theirs.name}.", try_next=_SAME)
            if isinstance(theirs, BaseException):
                raise self._lost(f"has a worker {worker} that fails", theirs)
            for what, version in ours.items():
                if theirs.get(what) != version:
                    raise ClusterDiffers(
                        f"the worker {worker} has {what} {theirs.get(what)}; here it is {version}.",
                        try_next=_SAME,
                    )

    def _lost(self, what: str, error: BaseException | None = None) -> ClusterLost:
        text = next((line.strip() for line in str(error or "").splitlines() if line.strip()), "")
        said = f": {text}" if text else "."
        return ClusterLost(
            f"the scheduler at {self._address} {what}{said}",
            try_next=["dask scheduler    on that machine", *_AGAIN],
        )


_AGAIN = ("the same command again goes on with the points that are kept",)
_SAME = ("pip install 'edge-deploy[virtual,reference,train,cluster]'    the same on all machines",)


def _quiet() -> None:
    """Dask logs what we raise, and more of it; its loggers have levels of their own."""
    for name in [*logging.root.manager.loggerDict, "distributed.client", "tornado.application"]:
        if name.partition(".")[0] in {"distributed", "tornado"}:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _load() -> ModuleType:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise ClusterMissing(
            f"--cluster needs the Python package {error.name}, which is not installed.",
            try_next=["pip install 'edge-deploy[cluster]'"],
        ) from error
    module: ModuleType = distributed
    return module
