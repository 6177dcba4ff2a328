"""Many small models of every operator, each compared with the reference, bit for bit.

    python -m tests.sweep --models 2400

Some are random functions that TensorFlow's converter writes (`converted/functions.py`), some are
drawn parameter by parameter (`nn/families.py`); a few are whole networks (`converted/networks.py`),
half of them graphs that nobody designed. Portable kernels run on this computer under sanitizers,
the Cortex-M4's on an emulated core, built by gcc and by zig. Prints the counts, of what the
converter or the compiler refuses too; 1 where anything differed.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from edge_deploy import model
from edge_deploy.errors import UnsupportedModel
from tests import compiled_model
from tests.converted import checks as converted
from tests.converted.convert import NotConverted
from tests.converted.functions import FUNCTIONS
from tests.converted.networks import NETWORKS
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES

CONVERTED = {"converted": FUNCTIONS, "networks": NETWORKS}
# Beyond the seeds of `make test`.
_FIRST_SEED = 10_000

# Source, name of the function or family, seed.
Task = tuple[str, str, int]


@dataclass(frozen=True)
class Found:
    """What one model gave.

    why: empty unless it failed. refused: what the compiler said, if it refused. crashed: it ended
    its process.
    """

    source: str
    name: str
    seed: int
    digest: str = ""
    operators: tuple[str, ...] = ()
    compared: int = 0
    why: str = ""
    refused: str = ""
    crashed: bool = False


def _check(task: Task) -> Found:
    """One model, in a worker: failures come back as text."""
    source, name, seed = task
    try:
        if source in CONVERTED:
            one = converted.check(name, seed, CONVERTED[source])
            return Found(*task, _digest(one.data), one.operators, one.compared)
        case = FAMILIES[name](Seeded(seed))
        compared = checks.check_on_host(case)
        if "nn/s3/" in compiled_model.compile_graph(case.data, "esp32s3")[1].files["ed_model.c"]:
            compared += checks.check_on_host(case, "esp32s3")
        prefer = ("arm-none-eabi-gcc", "zig")[seed % checks.ZIG_EACH == 0]
        compared += checks.check_on_m4(case, "cortex_m4", prefer)
        operators = tuple(operator.name for operator in model.read(case.data).operators)
        return Found(*task, _digest(case.data), operators, compared)
    except UnsupportedModel as refused:
        return Found(*task, refused=refused.message)
    except NotConverted as refused:
        return Found(*task, refused=f"by the converter: {refused}")
    except BaseException as failure:  # noqa: BLE001 (pytest's own is no Exception)
        return Found(*task, why=f"{type(failure).__name__}: {failure}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tasks(models: int) -> Iterator[Task]:
    """All sources, every operator and every architecture in turn."""
    kinds = [name for name in NETWORKS if name != "drawn"]
    networks = [name for kind in kinds for name in (kind, "drawn")]
    for source, names, share in (
        ("converted", list(FUNCTIONS), models // 2),
        ("built", list(FAMILIES), models // 2),
        ("networks", networks, models // 8),
    ):
        for number in range(share):
            turn = number if source == "networks" else number // len(names)
            yield source, names[number % len(names)], _FIRST_SEED + turn


def _run(tasks: Iterator[Task], workers: int) -> Iterator[Found]:
    """Every task in a worker.

    TensorFlow's converter ends the process for some functions (2.21: a segmentation fault where it
    calibrates). What was under way then is tried again, one by one, and what ends its process
    again is told as such.
    """
    # Spawned: TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    suspects: list[Task] = []
    while True:
        alone = bool(suspects)
        source = iter(suspects) if alone else tasks
        under_way: dict[Future[Found], Task] = {}
        try:
            with ProcessPoolExecutor(1 if alone else workers, context) as pool:
                yield from _fed(pool, source, under_way, ahead=1 if alone else 2 * workers)
            if not alone:
                return
            suspects = []
        except BrokenProcessPool:
            suspects = list(under_way.values())
            if alone:
                yield Found(*suspects.pop(), crashed=True)
                suspects += source


def _fed(
    pool: ProcessPoolExecutor,
    tasks: Iterator[Task],
    under_way: dict[Future[Found], Task],
    *,
    ahead: int,
) -> Iterator[Found]:
    """Results as they come; at most `ahead` tasks are under way."""
    while True:
        for task in itertools.islice(tasks, ahead - len(under_way)):
            under_way[pool.submit(_check, task)] = task
        if not under_way:
            return
        for done in wait(under_way, return_when=FIRST_COMPLETED).done:
            found = done.result()
            del under_way[done]
            yield found


def main() -> int:
    """Run the sweep."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--models", type=int, default=2400, help="how many (2400)")
    words.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    asked = words.parse_args()
    began = time.monotonic()
    operators: collections.Counter[str] = collections.Counter()
    sources: collections.Counter[str] = collections.Counter()
    digests: set[str] = set()
    compared = failures = crashes = refusals = 0
    for found in _run(_tasks(asked.models), asked.workers):
        if found.crashed and found.source in CONVERTED:
            crashes += 1
        elif found.refused:
            refusals += 1
            print(f"refused {found.source} {found.name} {found.seed}: {found.refused}", flush=True)
        elif found.why or found.crashed:
            failures += 1
            why = found.why[:600] or "the process ended"
            print(f"FAILED {found.source} {found.name} {found.seed}: {why}", flush=True)
        elif found.compared and found.digest not in digests:
            digests.add(found.digest)
            sources[found.source] += 1
            operators.update(set(found.operators))
            compared += found.compared
    for name, count in sorted(operators.items()):
        print(f"{name:32} in {count:>5} models")
    print(
        f"{len(digests)} distinct models ({sources['converted'] + sources['networks']} by "
        f"TensorFlow's converter, {sources['networks']} of them networks), "
        f"{len(operators)} operators, {compared:,} values compared, {failures} failures, "
        f"{refusals} refused, "
        f"{crashes} crashes of the converter, {time.monotonic() - began:.0f} s"
    )
    return 1 if failures or not digests else 0


if __name__ == "__main__":
    sys.exit(main())
