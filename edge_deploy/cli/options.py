"""The options that several verbs share, spelled and explained once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edge_deploy.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

# Where recordings are, for all verbs that take --data.
DATA_VARIABLE = "EDGE_DEPLOY_DATA"

HOST = "host"
"""After --on, for verbs that can do without a board: this computer's own features and kernels."""

MODEL_HELP = """\b
MODEL is a lab's name (edge-deploy labs), a folder with a lab.yaml, or a .tflite file."""


@dataclass(frozen=True)
class Target:
    """Where a verb runs: the words of `--board`, `--on` and what a virtual board is told.

    board: empty where any will do. kernels: of `--target`; empty for the board's own.
    """

    board: str
    on: str
    faults: tuple[str, ...] = ()
    seed: int = 0
    speed: str = "max"
    timeout_s: float = 10.0
    kernels: str = ""


@dataclass(frozen=True)
class SceneWords:
    """What a virtual board is to sense: the words of `--mic`, `--resample`, `--imu`, `--camera`."""

    mic: str | None = None
    resample: bool = False
    imu: str | None = None
    camera: str | None = None


def board_option(function: F) -> F:
    """Add --board."""
    return click.option(
        "--board",
        metavar="NAME",
        envvar="EDGE_DEPLOY_BOARD",
        help="Kind of board (edge-deploy boards).",
    )(function)


def json_option(function: F) -> F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def view_options(function: F) -> F:
    """Add --json and --plain: how a stream is shown (`views.choose`)."""
    json = click.option(
        "--json", "as_json", is_flag=True, help="One JSON object a line, as in a pipe."
    )
    plain = click.option("--plain", is_flag=True, help="Lines for people, in a pipe too.")
    return json(plain(function))


def scene_options(function: F) -> F:
    """Add --mic, --resample, --imu and --camera, gathered in one `words`: a SceneWords."""

    @functools.wraps(function)
    def gather(*args: Any, mic: str, resample: bool, imu: str, camera: str, **rest: Any) -> Any:  # noqa: ANN401
        return function(*args, words=SceneWords(mic, resample, imu, camera), **rest)

    wrapped: Any = gather
    for option in reversed(
        (
            click.option(
                "--mic",
                metavar="SOUND",
                default=None,
                help="What a virtual board hears: a WAV file, a folder of them, silence, "
                "noise:-30 (dBFS), laptop.",
            ),
            click.option(
                "--resample",
                is_flag=True,
                help="Take WAV files of other rates and several channels.",
            ),
            click.option(
                "--imu",
                metavar="MOTION",
                default=None,
                help="How a virtual board is moved: a CSV file, a folder of them (1 s of rest "
                "after each; FOLDER:0s for none), rest.",
            ),
            click.option(
                "--camera",
                metavar="VIEW",
                default=None,
                help="What a virtual board sees: a picture, a folder of them (2 s each; "
                "FOLDER:5s for 5 s), grey.",
            ),
        )
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def debug_option(function: F) -> F:
    """Add --debug, read by `main.run` before click sees it."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, help="Show a traceback on failure."
    )(function)


def target_options(function: F) -> F:
    """Add --board, --on, -p, --fault, --seed, --speed, --timeout, gathered in one `target`."""
    return _target_options(function)


def host_target_options(function: F) -> F:
    """The same for a verb that also runs `--on host`, where no --board is needed."""
    return _target_options(function, host=True)


def any_target_options(function: F) -> F:
    """The same for a verb that takes whatever board is behind a serial port: no --board there."""
    return _target_options(function, any_board=True)


def real_target_options(function: F) -> F:
    """--board, --on and -p alone, for a verb that is of real boards: in one `target` too."""
    return _target_options(function, real=True)


def _target_options(
    function: F, *, any_board: bool = False, host: bool = False, real: bool = False
) -> F:
    @click.pass_context
    def gather(ctx: click.Context, /, **words: Any) -> Any:  # noqa: ANN401
        target = _target(ctx, words, any_board=any_board, host=host)
        return function(target=target, **words)

    wrapped: Any = functools.update_wrapper(gather, function)
    emulated = "" if real else "virtual, local (this computer), "
    where = (
        click.option(
            "--on",
            "on",
            metavar="WHERE",
            envvar="EDGE_DEPLOY_ON",
            help=f"auto (the one board on USB, the default), {emulated}usb:SERIAL, "
            "port:PATH-OR-URL" + (", host (this computer without firmware)." if host else "."),
        ),
        click.option(
            "-p",
            "--port",
            metavar="PORT",
            envvar="EDGE_DEPLOY_PORT",
            help="Short for --on port:PORT.",
        ),
    )
    for option in reversed((*where, *(() if real else _HOW))):
        wrapped = option(wrapped)
    return board_option(wrapped)  # type: ignore[no-any-return]


# How a board behaves, and how long it is waited for.
_HOW = (
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="FAULT",
        help="Make a virtual board misbehave: drop=0.01, garble=0.001, unplug@5s, "
        "brownout@3s, hang@2s, slow=4, wrong-firmware. May be repeated.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="Seed of faults and inputs.",
    ),
    click.option(
        "--speed",
        type=click.Choice(["max", "real"]),
        default="max",
        show_default=True,
        help="A virtual board's time against the wall's.",
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0.1),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="Give up after that much silence of the board.",
    ),
)


def _target(
    ctx: click.Context, words: dict[str, Any], *, any_board: bool = False, host: bool = False
) -> Target:
    """Take the shared words out of `words`, and judge them together.

    any_board: a serial port needs no --board, because whatever is there says what it is. host:
    nor does `--on host`, which has none.
    """
    on, port = words.pop("on"), words.pop("port")
    board = words.pop("board")
    typed = {name for name in ("on", "port") if _is_typed(ctx, name)}
    if typed == {"on", "port"}:
        raise UsageError("--on and -p say the same thing twice; give one of them.")
    if typed == {"port"} or (port and not on):
        on = f"port:{port}"
    on = on or "auto"
    faults = tuple(words.pop("faults", ()))
    if faults and on != "virtual":
        raise UsageError(
            f"--fault is for virtual boards; this command runs on {on}.",
            try_next=["--on virtual"],
        )
    if on == HOST and host and words["speed"] != "max":
        raise UsageError("--speed is for emulated boards; --on host runs none.")
    if not board and not (any_board and on.startswith("port:")) and not (host and on == HOST):
        raise UsageError(
            "no board named: give --board NAME.",
            try_next=["--board nano33", "edge-deploy boards"],
        )
    known = ("seed", "speed", "timeout_s", "kernels")
    how = {key: words.pop(key) for key in known if key in words}
    return Target(board or "", on, faults, **how)


def _is_typed(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def recordings_folder(lab_folder: Path, given: Path | None, option: str) -> Path | None:
    """Where a lab's recordings are: as typed, else its own folder, else as the environment says.

    option: the name of the parameter that `given` is the value of. None: nobody says.
    """
    from edge_deploy.training import datasets

    if _is_typed(click.get_current_context(), option):
        return given
    return datasets.beside(lab_folder) or given
