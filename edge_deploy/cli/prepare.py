"""From the words of a command to a model, an image and a session: the steps that verbs share.

    `subject` loads a lab or a file, `compiled` makes C of it and refuses what cannot fit, `session`
builds, flashes and opens: what it yields can be run.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy import boards, budgets, build, compiler, devices, labs, model
from edge_deploy.artifact import Artifact
from edge_deploy.bench import origins
from edge_deploy.boards import Board
from edge_deploy.budgets import Check
from edge_deploy.build import project as projects
from edge_deploy.cli import kernels, output
from edge_deploy.cli.options import SceneWords, Target
from edge_deploy.compiler import Compiled, interpreter
from edge_deploy.devices import Scene
from edge_deploy.devices.device import Device
from edge_deploy.errors import (
    BadInput,
    LinkLost,
    OverBudget,
    UnsupportedModel,
    UsageError,
    WrongBoard,
)
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph
from edge_deploy.quantity import Quantity
from edge_deploy.sensing import FeatureSettings, SourceSettings
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.session import Session

PORTS = ("virtual_m4", "host")
"""The firmware's ports that need no PlatformIO."""


PLAN_ORIGIN = "computed:memory plan"


@dataclass(frozen=True)
class Subject:
    """What MODEL named: the bytes of a `.tflite`, parsed, and the lab where it is one's.

    word: MODEL itself, as it may be typed again.
    """

    word: str
    name: str
    data: bytes
    graph: Graph
    lab: Lab | None


@dataclass(frozen=True)
class Live:
    """A board that runs `artifact`, spoken to by `session`."""

    board: Board
    device: Device
    compiled: Compiled
    artifact: Artifact
    session: Session


def subject(word: str) -> Subject:
    """Load MODEL: a lab's name, a folder with a lab.yaml, or a `.tflite` file."""
    path = Path(word)
    lab: Lab | None = None
    if (path / "saved_model.pb").is_file() or path.suffix in {".keras", ".h5", ".hdf5"}:
        raise BadInput(
            f"{path} is a model in floating point; what is compiled are int8 .tflite files.",
            try_next=[f"edge-deploy quantize {shlex.quote(word)} --data inputs.npy"],
        )
    if path.suffix == "" and not path.is_file():
        lab = labs.load(word)
        path = lab.model
        if not path.is_file():
            raise BadInput(
                f"lab {lab.name} has no trained model yet ({path.name} is not in its folder).",
                try_next=[f"edge-deploy train {word}"],
            )
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder without a lab.yaml.") from None
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file.", try_next=["edge-deploy labs"]) from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from error
    name = lab.name if lab else path.stem
    return Subject(shlex.quote(word), name, data, model.read(data, name=name), lab)


def compiled(
    subject: Subject, board: Board, *, portable: bool = False, force: bool = False
) -> Compiled:
    """Compile for `board`, and refuse what cannot fit before any toolchain starts."""
    target = "portable" if portable else board.target
    result = compiler.compile(subject.graph, target=target, model_name=subject.name)
    checks = fit(result, board)
    if not force:
        refuse_over(subject, board, checks)
    return result


def fit(compiled: Compiled, board: Board) -> tuple[Check, ...]:
    """What is known of flash and RAM before a build, held against the board.

    Both are lower bounds: the firmware's own code and RAM come with the build.
    """
    return budgets.check(
        {
            "flash: weights": Quantity(compiled.weights_bytes, "B", "computed:compiler"),
            "RAM: arena": Quantity(compiled.arena_bytes, "B", PLAN_ORIGIN),
        },
        {
            "flash: weights": board.application_flash_bytes,
            "RAM: arena": board.application_ram_bytes,
        },
    )


def refuse_over(
    subject: Subject, board: Board, checks: Sequence[Check], *, also: Sequence[str] = ()
) -> None:
    """Show the table and raise OverBudget where a check is over its limit.

    also: what else to try.
    """
    over = [check for check in checks if check.status == "over"]
    if not over:
        return
    show_checks(checks, err=True)
    worst = over[0]
    inspect = f"edge-deploy inspect {subject.word} --board {board.name} --plot plan.svg"
    kind = "flash" if "flash" in worst.resource else "RAM"
    raise OverBudget(
        f"{subject.name} needs {worst.value:,.0f} B of {kind}; "
        f"{board.name} has {worst.limit:,.0f} B for an application.",
        try_next=[
            f"{inspect}    what takes the most",
            "edge-deploy boards    a board with more",
            *also,
        ],
    )


def show_checks(checks: Sequence[Check], *, err: bool = False) -> None:
    """The table that is the same everywhere: resource, value, limit, unit, status, origin."""
    output.table(
        ["resource", "value", "limit", "unit", "status", "origin"],
        [
            [
                check.resource,
                _figure(check.value, check.unit),
                _figure(check.limit, check.unit),
                check.unit,
                check.status,
                check.origin or "-",
            ]
            for check in checks
        ],
        err=err,
    )


def _figure(value: float | None, unit: str) -> str:
    """A share has digits behind its point; bytes and microseconds do without."""
    return "-" if value is None else output.number(value, 4 if unit == "1" else 0)


def artifact(subject: Subject, board: Board, port: str) -> tuple[Compiled, Artifact]:
    """Compile the model and build the firmware with it for `board` and the firmware's `port`."""
    if port == projects.PORT:
        return _board_artifact(subject, board)
    portable = port == "host" and board.target != compiler.ESP32S3  # those run everywhere, in C
    result = compiled(subject, board, portable=portable)
    started = time.monotonic()
    made = build.firmware(
        result,
        graph=subject.graph,
        board=board,
        port=port,
        labels=subject.lab.labels if subject.lab else (),
        source=subject.lab.source if subject.lab else None,
        features=subject.lab.features if subject.lab else None,
        decision=subject.lab.decision if subject.lab else None,
    )
    seconds = time.monotonic() - started
    if seconds > 0.5:  # a build, not a look into the cache
        output.say(f"Built {subject.name} for {board.name} in {seconds:.1f} s.")
    return result, made


def features(subject: Subject) -> FeatureSettings | None:
    """The features of the lab that a subject is of."""
    return subject.lab.features if subject.lab else None


def generated(subject: Subject, board: Board) -> dict[str, str]:
    """The C files that differ from one model and lab to another, for a real board."""
    return {**compiled(subject, board).files, build.config.FILE: _config(subject, board)}


def interpreted(subject: Subject, board: Board, arena_bytes: int | None) -> dict[str, str]:
    """The same for a model that TensorFlow Lite Micro runs, also one that we do not compile."""
    if arena_bytes is None:
        try:
            arena_bytes = 2 * compiled(subject, board, force=True).arena_bytes
        except UnsupportedModel:
            arena_bytes = _UNKNOWN_ARENA_BYTES
        arena_bytes += _INTERPRETER_BYTES
    files = interpreter.files(
        subject.graph, subject.data, arena_bytes=arena_bytes, model_name=subject.name
    )
    return {**files, build.config.FILE: _config(subject, board)}


# What an interpreter keeps of tensors and nodes beside activations, generously.
_INTERPRETER_BYTES = 16_384
_UNKNOWN_ARENA_BYTES = 65_536


def _config(subject: Subject, board: Board, record: SourceSettings | None = None) -> str:
    """ed_app_config.h for the board itself."""
    if record is not None:
        return build.config.emit(board, projects.PORT, (), SourceSettings(), record=record)
    lab = subject.lab
    return build.config.emit(
        board,
        projects.PORT,
        lab.labels if lab else (),
        lab.source if lab else SourceSettings(),
        features(subject),
        lab.decision if lab else None,
    )


def project(subject: Subject, board: Board) -> dict[str, str]:
    """The PlatformIO project of a real board: texts by path."""
    return projects.platformio(generated(subject, board), board, features(subject))


def recorder(board: Board, port: str, source: SourceSettings) -> Artifact:
    """Firmware that sends what the sensor gives, as it is. Built around a model: the smallest."""
    smallest = subject("hello")
    result = compiled(smallest, board, **({"portable": True} if port == "host" else {}))
    if port in PORTS:
        return build.firmware(result, graph=smallest.graph, board=board, port=port, record=source)
    files = {**result.files, build.config.FILE: _config(smallest, board, source)}
    made = projects.platformio(files, board, None)
    return _by_platformio("a recorder", made, result, smallest.graph, board)


def _board_artifact(subject: Subject, board: Board) -> tuple[Compiled, Artifact]:
    """Build for the board itself."""
    result = compiled(subject, board)
    files = project(subject, board)
    return result, _by_platformio(subject.name, files, result, subject.graph, board)


def _by_platformio(
    name: str, files: Mapping[str, str], result: Compiled, graph: Graph, board: Board
) -> Artifact:
    from edge_deploy.build import platformio

    started = time.monotonic()
    output.say(f"PlatformIO builds {name} for {board.name} ...")
    made = platformio.firmware(
        files, result, graph, board, progress=follow(output.is_terminal(sys.stderr))
    )
    output.say(f"Built {name} for {board.name} in {time.monotonic() - started:.1f} s.")
    return made


def follow(terminal: bool) -> Callable[[str], None]:
    """What becomes of PlatformIO's lines: all for a person, and otherwise what it waits for."""

    def line(text: str) -> None:
        # "Platform Manager: Installing ...": without a network it gives up after a minute.
        if terminal or "Manager:" in text:
            output.say(f"  {text}")

    return line


def image_checks(artifact: Artifact, board: Board) -> tuple[Check, ...]:
    """Flash and RAM of a built image against the board; none for one that runs on this computer."""
    manifest = artifact.manifest
    quantities = {}
    if manifest.flash_bytes is not None:
        quantities["flash"] = Quantity(manifest.flash_bytes, "B", origins.IMAGE)
    if manifest.ram_bytes is not None:
        quantities["RAM"] = Quantity(manifest.ram_bytes, "B", origins.IMAGE)
    limits = {"flash": board.application_flash_bytes, "RAM": board.application_ram_bytes}
    return budgets.check(quantities, {key: limits[key] for key in quantities})


def scene(target: Target, words: SceneWords) -> Scene:
    """What a virtual board is to sense.

    Raises UsageError, BadInput, NoBoard (`microphones.parse`, `imus.parse`, `cameras.parse`).
    """
    if words.mic is None and words.resample:
        raise UsageError("--resample is for the files of --mic; there is none.")
    return Scene(
        microphone=None
        if words.mic is None
        else devices.microphones.parse(words.mic, seed=target.seed, resample=words.resample),
        imu=None if words.imu is None else devices.imus.parse(words.imu),
        camera=None if words.camera is None else devices.cameras.parse(words.camera),
    )


def device(target: Target, *, wait_states: bool = True, scene: Scene | None = None) -> Device:
    """The device that the words of the command mean. scene: what a virtual one senses."""
    return devices.resolve(
        target.on,
        boards.load(target.board),
        faults=target.faults,
        seed=target.seed,
        speed=target.speed,
        wait_states=wait_states,
        scene=scene,
        say=output.say,
    )


@contextlib.contextmanager
def opened(device: Device, timeout_s: float) -> Iterator[Session]:
    """A session on `device`, begun; closed with the device at the end."""
    with device, Session(device.open(), timeout_s=timeout_s) as session:
        session.begin()
        yield session


@contextlib.contextmanager
def session(
    subject: Subject,
    target: Target,
    *,
    wait_states: bool = True,
    scene: Scene | None = None,
    rewrite: bool = False,
) -> Iterator[Live]:
    """Build, flash unless the board has it already, open, and check that the model answers.

    rewrite: flash a real board also where it says that it runs the model.
    """
    with (
        _found(subject, target, wait_states=wait_states, scene=scene) as chosen,
        _flashed(subject, target, chosen, rewrite=rewrite) as live,
    ):
        yield live


@contextlib.contextmanager
def talk(
    subject: Subject,
    target: Target,
    *,
    wait_states: bool = True,
    scene: Scene | None = None,
) -> Iterator[Session]:
    """The same where the board's own word is enough: a real one has to run the model already.

    Raises WrongBoard where it runs another one, or is another board.
    """
    with _found(subject, target, wait_states=wait_states, scene=scene) as chosen:
        if chosen.port in PORTS:
            with _flashed(subject, target, chosen) as live:
                yield live.session
            return
        # A real board is used as it is: building for it takes a minute and PlatformIO.
        with contextlib.ExitStack() as stack:
            try:
                session = stack.enter_context(opened(chosen, target.timeout_s))
                session.check_model(hashlib.sha256(subject.data).hexdigest())
            except (LinkLost, WrongBoard) as error:
                where = "" if target.on == "auto" else f" --on {shlex.quote(target.on)}"
                flash = f"edge-deploy flash --board {target.board}{where} --no-run {subject.word}"
                error.without("edge-deploy flash")
                error.try_next = (f"{flash}  put the model on it first", *error.try_next)
                raise
            if session.board.board != target.board:
                raise WrongBoard(
                    f"the board at {target.on} is a {session.board.board}, not a {target.board}.",
                    try_next=[f"--board {session.board.board}"],
                )
            if target.kernels and not session.board.engine.endswith(f"/{target.kernels}"):
                again = f"--board {target.board} --on {target.on} --target {target.kernels}"
                raise WrongBoard(
                    f"the board at {target.on} runs the model with {session.board.engine}.",
                    try_next=[f"edge-deploy flash {again} {subject.word}"],
                )
            yield session


@contextlib.contextmanager
def _found(
    subject: Subject, target: Target, *, wait_states: bool, scene: Scene | None
) -> Iterator[Device]:
    """The device: what cannot fit is told before one is looked for, its absence before a build."""
    board = kernels.board(target.board, target.kernels)
    kernels.tell(board)
    compiled(subject, board)
    with device(target, wait_states=wait_states, scene=scene) as chosen:
        yield chosen


@contextlib.contextmanager
def _flashed(
    subject: Subject, target: Target, chosen: Device, *, rewrite: bool = False
) -> Iterator[Live]:
    """Our firmware with the model, built, on the device, and answering."""
    board = kernels.board(target.board, target.kernels)
    result, made = artifact(subject, board, chosen.port)
    if rewrite or chosen.port in PORTS or not _runs(chosen, made, target.timeout_s):
        flash(chosen, made)
    with opened(chosen, target.timeout_s) as session:
        session.check_model(made.manifest.model_sha256)
        yield Live(board, chosen, result, made, session)


def asked(device: Device, timeout_s: float) -> Hello | None:
    """What a real board says that it runs; None where that is nothing of ours."""
    try:
        with Session(device.open(), timeout_s=timeout_s) as session:
            return session.begin()
    except (LinkLost, WrongBoard):
        return None


def _runs(device: Device, artifact: Artifact, timeout_s: float) -> bool:
    """Whether a real board says that it runs this model with this firmware."""
    manifest = artifact.manifest
    found = asked(device, timeout_s)
    return found is not None and (
        (found.board, found.sha256, found.firmware, found.port, found.engine)
        == (
            manifest.board,
            manifest.model_sha256,
            manifest.tool_version,
            manifest.port,
            manifest.engine,
        )
    )


def flash(device: Device, artifact: Artifact) -> bool:
    """Put the artifact on the device unless it is there already; True if it was written."""
    there = device.manifest()
    if there is not None and there.image_sha256 == artifact.manifest.image_sha256:
        return False
    device.flash(artifact)
    return True
