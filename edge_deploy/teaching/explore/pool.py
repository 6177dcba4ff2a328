"""Jobs on this machine: several worker processes, each with one thread of TensorFlow.

A worker that dies (a converter's crash, no memory) is replaced, and its job given once more; then
the point has failed. Knows nothing about where results are kept.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence

from edge_deploy import process
from edge_deploy.process import Child
from edge_deploy.teaching.explore import worker
from edge_deploy.teaching.explore.point import Failure, Point
from edge_deploy.teaching.explore.task import Task

# A job that ends its worker is given to a second one: the first may have been the victim of
# another process's appetite.
ATTEMPTS = 2

# A process whose pipe has ended is gone in milliseconds.
_OBITUARY_S = 5.0

# Numerical libraries start a thread for each core unless they are told.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}


class Bench:
    """One worker process, started when it is first needed, and again after it has died."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False

    def do(self, task: Task) -> Point:
        """A job's point; a failed one where the worker died each time.

        Raises what is wrong with the machine, and ProcessMissing.
        """
        text = task.as_text().encode() + b"\n"
        died = ""
        for _ in range(ATTEMPTS):
            line = self._ask(text)
            if line:
                return worker.read_answer(line.decode())
            died = self._obituary()
            if self._closed:
                break
        message = f"its worker died {ATTEMPTS} times ({died})"
        return Point(task.key, task.knobs, failure=Failure("WorkerDied", message))

    def close(self) -> None:
        """End the worker, whatever it does; another thread that waits for it is answered."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            child.terminate()
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.cleanup()

    def _ask(self, text: bytes) -> bytes:
        """The answer to a job; nothing where the worker died over it."""
        if self._closed:
            return b""
        if self._child is None:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="edge-deploy-")
            self._child = process.spawn(
                [sys.executable, "-m", worker.__name__, self._folder.name], env=_ENVIRONMENT
            )
        child = self._child
        try:
            # An unbuffered pipe takes what it has room for.
            view = memoryview(text)
            while view:
                view = view[child.stdin.write(view) or 0 :]
            parts: list[bytes] = []
            while not parts or not parts[-1].endswith(b"\n"):
                part = child.stdout.read(1 << 16)
                if not part:
                    return b""
                parts.append(part)
            return b"".join(parts)
        except (OSError, ValueError):  # its pipes are gone, or closed by us
            return b""

    def _obituary(self) -> str:
        """How the worker ended; it is forgotten."""
        child, self._child = self._child, None
        if child is None:
            return "ended"
        # Asked before it is told to end: afterwards the code is that of our signal.
        with contextlib.suppress(process.ProcessTimeout):
            child.wait(_OBITUARY_S)
        code = child.terminate()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class Processes:
    """So many workers on this machine."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, tasks: Sequence[Task]) -> Iterator[Point]:
        """The points of all jobs, in the order in which they end.

        A worker goes on with a job whose inputs are those of its last one, if there is any.
        Raises what is wrong with the machine; all workers end then, and where the caller stops.
        """
        waiting = list(tasks)
        lock = threading.Lock()
        ended: queue.SimpleQueue[Point | BaseException] = queue.SimpleQueue()
        benches = [Bench() for _ in range(min(self._workers, len(waiting)))]

        def work(bench: Bench) -> None:
            last: Task | None = None
            while True:
                with lock:
                    if not waiting:
                        return
                    last = waiting.pop(_next(waiting, last))
                try:
                    ended.put(bench.do(last))
                except BaseException as error:  # noqa: BLE001, told by the thread that waits
                    ended.put(error)
                    return

        threads = [threading.Thread(target=work, args=(bench,), daemon=True) for bench in benches]
        for thread in threads:
            thread.start()
        try:
            for _ in tasks:
                found = ended.get()
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            with lock:
                waiting.clear()
            for bench in benches:
                bench.close()


def _next(waiting: Sequence[Task], last: Task | None) -> int:
    """Position of the job to do now."""
    if last is None:
        return 0
    return next((i for i, task in enumerate(waiting) if task.inputs == last.inputs), 0)
