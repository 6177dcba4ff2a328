"""A job -> its Point: trained, quantized, compiled, built, and run on a virtual board.

What goes wrong with this point is part of the Point: a network that does not fit is a result.
What goes wrong with the machine (no TensorFlow, no recordings, no compiler) is raised. Knows
nothing about other points.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_deploy import boards, build, compiler, devices, labs
from edge_deploy.bench import measure, origins
from edge_deploy.bench.measure import BenchResult
from edge_deploy.boards import Board
from edge_deploy.errors import (
    AccessDenied,
    BadInput,
    BoardBusy,
    BuildFailed,
    EdgeDeployError,
    NoBoard,
    OverBudget,
    UnsupportedModel,
)
from edge_deploy.labs import Lab
from edge_deploy.quantity import Quantity
from edge_deploy.teaching.explore.task import Task
from edge_deploy.telemetry.session import Session
from edge_deploy.training import datasets
from edge_deploy.training.datasets import NoData
from edge_deploy.training.fitting import TrainingDiverged
from edge_deploy.training.trial import Effort, Trial, Tries

# Where `--data` is not a folder on the machine that does the job.
DATA_VARIABLE = "EDGE_DEPLOY_DATA"

# Cycles of an emulated core do not scatter.
_RUNS, _WARMUP = 3, 1
_TIMEOUT_S = 60.0

# Raised, not kept: another machine, or this one tomorrow, gives another result.
_OF_THE_MACHINE = (AccessDenied, BoardBusy, BuildFailed, NoBoard, NoData)
# The network's own fault, every time.
_OF_THE_POINT = (BadInput, OverBudget, TrainingDiverged, UnsupportedModel)


@dataclass(frozen=True)
class Failure:
    """Why there is no (whole) result. lasting: it would be the same another time."""

    kind: str
    message: str
    lasting: bool = False


@dataclass(frozen=True)
class Judged:
    """The figure that counts, on validation samples, by the float network and the int8 model."""

    name: str
    in_float: Quantity
    in_int8: Quantity
    samples: int


@dataclass(frozen=True)
class Point:
    """What one place of the knobs gives; what is not known is absent.

    costs: by the names of `bench --json`, and `flash_bytes`, `parameters`. facts: what the
    figures were made with, in words. model: the int8 `.tflite`.
    """

    key: str
    knobs: Mapping[str, int | float | str]
    judged: Judged | None = None
    costs: Mapping[str, Quantity] = field(default_factory=dict)
    failure: Failure | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    model: bytes = b""

    def as_json(self) -> dict[str, Any]:
        """All but the model."""
        found: dict[str, Any] = {"key": self.key, "knobs": dict(self.knobs)}
        if self.judged is not None:
            found["figure"] = {
                "name": self.judged.name,
                "float32": self.judged.in_float.as_json(),
                "int8": self.judged.in_int8.as_json(),
                "samples": self.judged.samples,
            }
        found["costs"] = {name: cost.as_json() for name, cost in self.costs.items()}
        if self.failure is not None:
            found["failure"] = vars(self.failure)
        return {**found, "facts": dict(self.facts), "seconds": round(self.seconds, 1)}


def from_json(flat: Mapping[str, Any], model: bytes = b"") -> Point:
    """The Point of `as_json`. Raises KeyError, TypeError, ValueError for anything else."""
    figure, failure = flat.get("figure"), flat.get("failure")
    return Point(
        key=str(flat["key"]),
        knobs=dict(flat["knobs"]),
        judged=None
        if figure is None
        else Judged(
            str(figure["name"]),
            _quantity(figure["float32"]),
            _quantity(figure["int8"]),
            int(figure["samples"]),
        ),
        costs={str(name): _quantity(cost) for name, cost in flat["costs"].items()},
        failure=None if failure is None else Failure(**failure),
        facts={str(name): str(fact) for name, fact in flat["facts"].items()},
        seconds=float(flat["seconds"]),
        model=model,
    )


def _quantity(flat: Mapping[str, Any]) -> Quantity:
    value = flat["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return Quantity(value, str(flat["unit"]), str(flat["origin"]))


class Workshop:
    """Does jobs one after the other. folder: its own, for unpacked labs and virtual boards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lab: tuple[Mapping[str, bytes], str] | None = None
        self._tries: Tries | None = None

    def do(self, task: Task) -> Point:
        """The point of a job. Raises what is wrong with this machine, or OSError."""
        started = time.monotonic()
        made = _Made()
        failure = None
        try:
            self._do(task, made)
        except _OF_THE_MACHINE:
            raise
        except _OF_THE_POINT as error:
            failure = Failure(type(error).__name__, error.message, lasting=True)
        except EdgeDeployError as error:
            failure = Failure(type(error).__name__, error.message)
        except MemoryError:
            failure = Failure("MemoryError", "this machine has not enough memory for it")
        return Point(
            key=task.key,
            knobs=task.knobs,
            judged=made.judged,
            costs=made.costs,
            failure=failure,
            facts=made.facts,
            seconds=time.monotonic() - started,
            model=made.model,
        )

    def _do(self, task: Task, made: _Made) -> None:
        board = boards.load(task.board)
        effort = Effort(task.seed, task.epochs, task.most_samples)
        trial = self._tries_of(task).run(task.knobs, effort)
        made.trained(trial)
        compiled = compiler.compile(trial.graph, target=board.target, model_name=task.lab)
        made.costs["arena_bytes"] = Quantity(compiled.arena_bytes, "B", origins.ARENA)
        made.costs["weights_bytes"] = Quantity(compiled.weights_bytes, "B", origins.WEIGHTS)
        made.costs["macs"] = Quantity(compiled.macs, "MACs", "computed:model")
        made.measured(_run(trial, compiled, board, self._folder / "boards"))

    def _tries_of(self, task: Task) -> Tries:
        """The tries of a lab, unpacked once; they keep what several points have in common."""
        if self._tries is None or self._lab != (task.files, task.data):
            folder = self._folder / task.key / task.lab
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in task.files.items():
                (folder / name).write_bytes(content)
            self._tries = Tries(labs.load_folder(folder), recordings(task.data))
            self._lab = (task.files, task.data)
        return self._tries


class _Made:
    """What is known of a point so far."""

    def __init__(self) -> None:
        self.judged: Judged | None = None
        self.costs: dict[str, Quantity] = {}
        self.facts = {"machine": platform.node()}
        self.model = b""

    def trained(self, trial: Trial) -> None:
        figure = trial.figure
        self.model = trial.model
        self.judged = Judged(figure.name, figure.in_float, figure.in_int8, trial.validation_samples)
        self.costs["parameters"] = Quantity(trial.parameters, "1", "computed:keras")
        self.facts |= {
            "trained_with": trial.versions,
            "train_samples": str(trial.train_samples),
            "targets_sha256": trial.data_sha256,
        }

    def measured(self, result: BenchResult) -> None:
        self.costs |= result.quantities
        manifest = result.manifest
        if manifest is not None:
            self.facts["compiled_with"] = manifest.toolchain
            if manifest.flash_bytes is not None:
                self.costs["flash_bytes"] = Quantity(manifest.flash_bytes, "B", origins.IMAGE)
        origin = origins.of(result.hello).latency
        for stage, name in (("inference", "latency_us"), ("dsp", "features_us")):
            summary = result.latency_us.get(stage)
            if summary is not None:
                self.costs[name] = Quantity(summary.p50, "us", origin)


def recordings(said: str) -> Path | None:
    """Where recordings are on this machine: the folder that was said, if it is one here.

    Otherwise what the environment says, otherwise where `data get` has put them.
    Raises NoData where one was said, and nothing of this exists.
    """
    here = [Path(word) for word in (said, os.environ.get(DATA_VARIABLE, "")) if word]
    found = next((path for path in here if path.is_dir()), None) or datasets.fetched()
    if found is None and said:
        raise NoData(
            f"{platform.node()} has no folder {said}, and {DATA_VARIABLE} names none there.",
            try_next=[
                f"{DATA_VARIABLE}=FOLDER    in the environment of that machine's worker",
                "--data FOLDER    with a folder that all machines share",
            ],
        )
    return found


def _run(trial: Trial, compiled: compiler.Compiled, board: Board, home: Path) -> BenchResult:
    lab: Lab = trial.lab
    with contextlib.ExitStack() as stack:
        device = stack.enter_context(devices.resolve("virtual", board, home=home))
        artifact = build.firmware(
            compiled,
            graph=trial.graph,
            board=board,
            port=device.port,
            labels=lab.labels,
            source=lab.source,
            features=lab.features,
            decision=lab.decision,
        )
        device.flash(artifact)
        session = stack.enter_context(Session(device.open(), timeout_s=_TIMEOUT_S))
        session.begin()
        session.check_model(artifact.manifest.model_sha256)
        return measure.bench(
            session, on="virtual", runs=_RUNS, warmup=_WARMUP, manifest=artifact.manifest
        )
