"""A room of boards: the same image on every one that is plugged in, one after another.

One after another, because then only one board at a time is in its bootloader, so that a port that
comes can only be its own; because a person can follow "press the button" for one board; and because
esptool has one logger and one set of resets for a process.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_deploy import devices
from edge_deploy.artifact import Artifact
from edge_deploy.boards import Board
from edge_deploy.cli import output
from edge_deploy.cli.options import Target
from edge_deploy.devices import usb
from edge_deploy.devices.device import Device
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import EdgeDeployError, Exit, FlashFailed, UsageError

Check = Callable[[Device], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one board. port: where it is now. problem: why it failed, None for done."""

    serial_number: str
    port: str
    problem: EdgeDeployError | None

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        found: dict[str, object] = {
            "serial_number": self.serial_number,
            "port": self.port,
            "done": self.problem is None,
            "exit_code": int(Exit.DONE if self.problem is None else self.problem.exit_code),
        }
        if self.problem is not None:
            found["error"] = self.problem.message
            found["try_next"] = list(self.problem.try_next)
        return found


def boards_for(board: Board, target: Target) -> list[Connected]:
    """Every board of the kind. Raises NoBoard, UsageError where the words name one board."""
    if target.on != "auto":
        raise UsageError(
            f"--all takes every {board.name} on USB; --on {target.on} names one.",
            try_next=["--all without --on, -p, EDGE_DEPLOY_ON and EDGE_DEPLOY_PORT"],
        )
    found = usb.matching(board)
    if not found:
        raise usb.none_of(board).without("--on")
    return found


def each(
    board: Board,
    found: Sequence[Connected],
    artifact: Artifact,
    again: Sequence[str],
    *,
    check: Check,
    as_json: bool,
) -> None:
    """Flash every board and check it; show what became of each.

    again: the words of the command for one board, without `--on`.
    Raises FlashFailed, after the table, where one or more failed.
    """
    outcomes: list[Outcome] = []
    try:
        for position, one in enumerate(found, 1):
            output.say(f"Board {position} of {len(found)}: {_label(one)} at {one.path}")
            outcomes.append(_one(board, one, found, artifact, check))
    finally:  # after Ctrl-C too: what was done is done
        _show(board, artifact, outcomes, found, as_json=as_json)
    failed = [outcome for outcome in outcomes if outcome.problem is not None]
    if failed:
        raise FlashFailed(
            f"{len(failed)} of {len(outcomes)} {board.name} boards failed.",
            try_next=[
                f"{shlex.join([*again, '--on', _where(outcome)])}  {outcome.problem.try_next[0]}"
                if outcome.problem is not None and outcome.problem.try_next
                else shlex.join([*again, "--on", _where(outcome)])
                for outcome in failed
            ],
        )


def _one(
    board: Board, one: Connected, found: Sequence[Connected], artifact: Artifact, check: Check
) -> Outcome:
    label = _label(one)
    try:
        if _is_ambiguous(one, found):
            raise UsageError(
                f"the boards with the serial number {one.serial_number or '(none)'} cannot be "
                "told apart.",
                try_next=["plug in one of them at a time"],
            )
        device = devices.resolve(_on(one), board, say=_say(label))
    except EdgeDeployError as problem:
        return Outcome(one.serial_number, one.path, problem)
    with device:
        failure = _flashed(device, artifact, check)
        where = getattr(device, "url", one.path)
    output.say(f"  [{label}] {'done' if failure is None else failure.message}")
    return Outcome(one.serial_number, where, failure)


def _say(label: str) -> Callable[[str], None]:
    """Lines of a board, without the progress of its upload: of thirty boards that is a lot."""

    def say(line: str) -> None:
        if "%" not in line:
            output.say(f"  [{label}] {line}")

    return say


def _flashed(device: Device, artifact: Artifact, check: Check) -> EdgeDeployError | None:
    """Why it failed; None where it did not."""
    try:
        device.flash(artifact)
        check(device)
    except EdgeDeployError as problem:
        return problem
    return None


def _is_ambiguous(one: Connected, found: Sequence[Connected]) -> bool:
    """Whether another board could be meant as well."""
    if not usb.tells_apart(one.serial_number):
        return len(found) > 1
    return sum(usb.same_serial(one.serial_number, other.serial_number) for other in found) > 1


def _label(one: Connected) -> str:
    return one.serial_number if usb.tells_apart(one.serial_number) else one.path


def _on(one: Connected) -> str:
    has_one = usb.tells_apart(one.serial_number)
    return f"usb:{one.serial_number}" if has_one else f"port:{one.path}"


def _where(outcome: Outcome) -> str:
    has_one = usb.tells_apart(outcome.serial_number)
    return f"usb:{outcome.serial_number}" if has_one else f"port:{outcome.port}"


def _show(
    board: Board,
    artifact: Artifact,
    outcomes: Sequence[Outcome],
    found: Sequence[Connected],
    *,
    as_json: bool,
) -> None:
    left = found[len(outcomes) :]
    manifest = artifact.manifest
    if as_json:
        output.document(
            {
                "board": board.name,
                "model": {"name": manifest.model_name, "sha256": manifest.model_sha256},
                "boards": [outcome.as_json() for outcome in outcomes],
                "not_begun_or_interrupted": [one.serial_number or one.path for one in left],
            }
        )
        return
    rows = [
        [
            outcome.serial_number or "-",
            outcome.port,
            "done" if outcome.problem is None else "failed",
            "-" if outcome.problem is None else outcome.problem.message,
        ]
        for outcome in outcomes
    ]
    rows += [[one.serial_number or "-", one.path, "interrupted", "-"] for one in left[:1]]
    rows += [[one.serial_number or "-", one.path, "not begun", "-"] for one in left[1:]]
    output.table(["serial number", "port", manifest.model_name, "why not"], rows)
