"""What went wrong, what to try, and the exit code of each case.

One class for each case that a caller must tell apart; nobody matches on text. The message
is one line with its numbers; `try_next` holds commands or actions that can be pasted. Only
`cli/` prints them and exits. Knows nothing about any other room.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Exit(enum.IntEnum):
    """Exit codes of the command line (docs/architecture.md, "Exit codes")."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    NO_BOARD = 10
    BOARD_BUSY = 11
    FLASH_FAILED = 12
    OVER_BUDGET = 13
    WRONG_BOARD = 14
    UNSUPPORTED_MODEL = 15
    BUILD_FAILED = 16
    LINK_LOST = 17
    ACCESS_DENIED = 18
    INTERRUPTED = 130


class EdgeDeployError(Exception):
    """Something that a person can be told in one line.

    message: one line, with the numbers, no trailing hint.
    try_next: what to try, most likely first; each a command, optionally followed by
    two or more spaces and what it does.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(self, message: str, *, try_next: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.try_next = tuple(try_next)

    def without(self, *refused: str) -> EdgeDeployError:
        """The error itself, without what to try that begins so: a verb refuses it."""
        self.try_next = tuple(line for line in self.try_next if not line.startswith(refused))
        return self


class UsageError(EdgeDeployError):
    """The words of the command do not fit together."""

    exit_code = Exit.USAGE


class BadInput(EdgeDeployError):
    """An input file cannot be read, or is not what it should be."""

    exit_code = Exit.BAD_INPUT


class NoBoard(EdgeDeployError):
    """No board that the command could run on, or a board that is not known."""

    exit_code = Exit.NO_BOARD


class BoardBusy(EdgeDeployError):
    """Another program holds the board."""

    exit_code = Exit.BOARD_BUSY


class FlashFailed(EdgeDeployError):
    """The image did not get onto the board, or could not be verified there."""

    exit_code = Exit.FLASH_FAILED


class OverBudget(EdgeDeployError):
    """The model does not fit the board, or misses a limit that was set for it."""

    exit_code = Exit.OVER_BUDGET


class WrongBoard(EdgeDeployError):
    """Another board, another model, or other outputs than expected."""

    exit_code = Exit.WRONG_BOARD


class UnsupportedModel(EdgeDeployError):
    """A valid model that the compiler cannot compile exactly."""

    exit_code = Exit.UNSUPPORTED_MODEL


class BuildFailed(EdgeDeployError):
    """A toolchain is missing, or refused its input."""

    exit_code = Exit.BUILD_FAILED


class LinkLost(EdgeDeployError):
    """The board went away, restarted, or did not answer in time."""

    exit_code = Exit.LINK_LOST


class AccessDenied(EdgeDeployError):
    """Permission, authentication or host key."""

    exit_code = Exit.ACCESS_DENIED
