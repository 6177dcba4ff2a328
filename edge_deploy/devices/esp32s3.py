"""Flashing an ESP32-S3 by its ROM loader: esptool's Python API, told what boards.yaml says.

The chip's own USB (303a:1001) is the ROM loader's port and our program's; a program with TinyUSB
has the board's id, and restarts into the loader when esptool asks it. Everything esptool prints is
kept from the terminal. Tried on fake boards and not on a board yet.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import serial

from edge_deploy.boards import Board, Esptool
from edge_deploy.devices import serial_link, uploading, usb
from edge_deploy.devices.uploading import BY_HAND_S, COMES_S, Say, Track, silent
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import FlashFailed, WrongBoard
from edge_deploy.toolchains import ToolchainMissing

# Of resetting the chip and waiting for its loader: esptool's own number, 0.8 s each.
ATTEMPTS = 7
# After a reset the port may go and come, or stay: the chip's USB part is not always reset.
LEAVES_S = 2.0
# The system may still list a port that has just failed for being gone.
GONE_S = 0.5

Pieces = Sequence[tuple[int, Path]]


class _NoAnswer(Exception):
    """No ROM loader spoke at a port."""


def flash(board: Board, port: Connected, pieces: Pieces, say: Say) -> Connected:
    """Write files to offsets in flash, verify them, and wait until the board is back; its port.

    port: of the board as it runs, or in its ROM loader. pieces: (offset in bytes, file).
    Raises FlashFailed, AccessDenied, BoardBusy, NoBoard, WrongBoard for another chip,
    ToolchainMissing without esptool.
    """
    how = board.esptool
    assert how is not None
    check()
    where, track = port, Track.of(port)
    with _told(say):
        try:
            _written(board, how, where, pieces, say)
        except _NoAnswer:
            where = _elsewhere(board, track, where, say)
            track = Track.of(where)
            try:
                _written(board, how, where, pieces, say, came=True)
            except _NoAnswer:
                raise _silent(board, where) from None
    return _back(board, track, where, port, say)


def check() -> None:
    """Raise ToolchainMissing where esptool is not installed."""
    try:
        import esptool  # noqa: F401
    except ModuleNotFoundError as error:
        raise ToolchainMissing(
            "esptool, which writes to an ESP32-S3, is not installed.",
            try_next=("pip install 'edge-deploy[boards]'",),
        ) from error


def _written(
    board: Board,
    how: Esptool,
    port: Connected,
    pieces: Pieces,
    say: Say,
    *,
    came: bool = False,
) -> None:
    """All pieces written and verified, and the chip told to restart. Raises _NoAnswer.

    came: the port has just come.
    """
    from esptool.util import FatalError

    say(f"Asking {port.path} for its ROM loader ...")
    with _opened(port.path, came=came) as opened:
        loader = _connected(board, port, opened)
        begun = False
        try:
            # Its own small program, in RAM: it takes compressed data, and erases as it writes.
            loader = _api().run_stub(loader)
            _api().attach_flash(loader)
            try:
                _hold_size(board, how, port, _api().detect_flash_size(loader))
            except WrongBoard:
                _let_go(loader)
                raise
            total = sum(path.stat().st_size for _, path in pieces)
            say(f"Writing {total:,} B to {port.path} ...")
            files = [(offset, str(path)) for offset, path in pieces]
            flash = {
                "flash_mode": how.flash_mode,
                "flash_freq": how.flash_freq,
                "flash_size": how.flash_size,
            }
            # It would open the same port again, where another board may be by then.
            loader.WRITE_FLASH_ATTEMPTS = 1
            begun = True
            _api().write_flash(loader, files, **flash)
            _api().verify_flash(loader, files, **flash)
        except (FatalError, OSError) as error:
            raise _interrupted(board, port, error, begun=begun) from error
        _let_go(loader)


def _let_go(loader: Any) -> None:  # noqa: ANN401
    """Restart the chip, which runs its program then."""
    from esptool.util import FatalError

    # The port may be gone before esptool is done with it.
    with contextlib.suppress(FatalError, OSError):
        _api().reset_chip(loader, "hard-reset")


def _hold_size(board: Board, how: Esptool, port: Connected, found: str | None) -> None:
    """Refuse a board with less flash, of which there are many with this chip. Raises WrongBoard.

    found: as esptool says it, such as 4MB; None: it does not know the flash chip.
    """
    from esptool.util import flash_size_bytes

    if found is not None and flash_size_bytes(found) < flash_size_bytes(how.flash_size):
        raise WrongBoard(
            f"the board at {port.path} has {found} of flash, and a {board.name} {how.flash_size}.",
            try_next=("edge-deploy boards  what is connected",),
        )


def _api() -> Any:  # noqa: ANN401  (esptool has no types)
    from esptool import cmds

    return cmds


def _connected(board: Board, port: Connected, opened: serial.SerialBase) -> Any:  # noqa: ANN401
    """The loader of the right chip. Raises _NoAnswer, WrongBoard before anything is written."""
    from esptool.util import FatalError

    try:
        loader = _api().detect_chip(opened, connect_attempts=ATTEMPTS)
    except OSError as error:
        raise _NoAnswer from error
    except FatalError as error:
        if not opened.is_open:  # esptool closes a port where nothing answers
            raise _NoAnswer from error
        if uploading.wait_gone(port.path, GONE_S):
            raise _interrupted(board, port, error, begun=False) from error
        raise WrongBoard(
            f"the chip at {port.path} is no {board.chip}: {_line(error)}.",
            try_next=("edge-deploy boards  what is connected",),
        ) from error
    if board.chip != loader.CHIP_NAME:
        _let_go(loader)
        raise WrongBoard(
            f"the chip at {port.path} is a {loader.CHIP_NAME}, and no {board.chip}.",
            try_next=("edge-deploy boards  what is connected",),
        )
    return loader


@contextlib.contextmanager
def _opened(path: str, *, came: bool) -> Iterator[serial.SerialBase]:
    """The port, as esptool opens one. Raises NoBoard, BoardBusy, AccessDenied."""
    port = uploading.opened(lambda: _open(path)) if came else _open(path)
    try:
        yield port
    finally:
        with contextlib.suppress(OSError):  # unplugged: it is closed enough
            port.close()


def _open(path: str) -> serial.SerialBase:
    port = serial.serial_for_url(path, exclusive=True, do_not_open=True)
    try:
        if sys.platform == "win32":  # otherwise opening it resets the chip
            port.rts = port.dtr = False
        port.open()
    except (OSError, ValueError) as error:
        raise serial_link.refusal(path, error) from error
    return port


def _elsewhere(board: Board, track: Track, silent: Connected, say: Say) -> Connected:
    """Where the board is now: its loader under another name, or plugged in anew by a person."""

    def moved(each: Connected) -> bool:
        return each != silent and each.usb_id in board.usb_ids and track.is_it(each)

    if not any(each.path == silent.path for each in usb.connected()):
        found = uploading.wait_for(lambda each: _is(board, track, each), COMES_S)
    else:
        found = uploading.wait_for(moved, 0.0)
    if found is not None:
        return found
    say(f"It does not answer. Please {uploading.by_hand(board)} (waiting {BY_HAND_S:.0f} s).")
    if not uploading.wait_gone(silent.path, BY_HAND_S):
        raise _silent(board, silent)
    found = uploading.wait_for(lambda each: _is(board, track, each), BY_HAND_S)
    if found is None:
        raise _silent(board, silent)
    return found


def _is(board: Board, track: Track, each: Connected) -> bool:
    return each.usb_id in board.usb_ids and track.is_it(each)


def _silent(board: Board, port: Connected) -> FlashFailed:
    return FlashFailed(
        f"the ROM loader of the {board.name} at {port.path} does not answer.",
        try_next=(uploading.again(board), uploading.CABLE),
    )


def _interrupted(board: Board, port: Connected, error: Exception, *, begun: bool) -> FlashFailed:
    if uploading.wait_gone(port.path, GONE_S):
        left = "it has no program" if begun else "nothing was written"
        return FlashFailed(
            f"the board at {port.path} was unplugged while it was written: {left}.",
            try_next=(
                "plug it in again, and the same command: its ROM loader cannot be lost",
                uploading.CABLE,
            ),
        )
    return FlashFailed(
        f"the upload to {port.path} failed: {_line(error)}.",
        try_next=(uploading.again(board), uploading.CABLE),
    )


def _line(error: Exception) -> str:
    """The first line of esptool's words, without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".! ")


def _back(board: Board, track: Track, written: Connected, port: Connected, say: Say) -> Connected:
    """The board's port once it has restarted. Raises FlashFailed."""
    uploading.wait_gone(written.path, LEAVES_S)
    plug = f"unplug it and plug it in, then edge-deploy run --board {board.name}"

    def runs(each: Connected) -> bool:
        return _is(board, track, each)

    return uploading.back(board, runs, port, COMES_S, say, try_next=(plug, uploading.CABLE))


# -- what esptool says -------------------------------------------------------------------------

_STEP_PERCENT = 10


class _Ear:
    """Who is told of esptool's words: it has one logger for the whole process."""

    def __init__(self) -> None:
        self.say: Say = silent
        self.installed = False
        self._shown = (0, 0)  # (bytes of the file, tenths)

    def warned(self, message: str) -> None:
        """A warning, in one line; that a port has no DTR and RTS is no one's concern."""
        if "RTS/DTR" not in message:
            self.say(f"esptool: {' '.join(message.split())}")

    def got_to(self, done: int, total: int, what: str) -> None:
        """Progress of one file: a line for each tenth."""
        percent = 100 * done // max(1, total)
        step = (total, percent // _STEP_PERCENT)
        if step != self._shown:
            self._shown = step
            self.say(f"{what.strip()} {percent} %")


_EAR = _Ear()


@contextlib.contextmanager
def _told(say: Say) -> Iterator[None]:
    """Send esptool's progress and warnings to `say`, and the rest of its words nowhere."""
    if not _EAR.installed:
        _install()
    _EAR.say = say
    try:
        yield
    finally:
        _EAR.say = silent


def _install() -> None:
    """Make ours esptool's logger, until the process ends."""
    from esptool.logger import TemplateLogger, log
    from esptool.reset import ResetStrategy

    class Quiet(TemplateLogger):  # type: ignore[misc]  # esptool has no types
        """What esptool asks of a logger. Without state: some versions take the class alone."""

        def print(self, *_words: object, **_how: object) -> None:
            """Chatter."""

        def note(self, message: str) -> None:
            """Chatter as well."""

        def warning(self, message: str) -> None:
            """Told."""
            _EAR.warned(message)

        def error(self, message: str) -> None:
            """It is raised too."""

        def stage(self, finish: bool = False) -> None:
            """Nothing is drawn over."""

        def progress_bar(
            self,
            cur_iter: int,
            total_iters: int,
            prefix: str = "",
            suffix: str = "",  # noqa: ARG002
            bar_length: int = 30,  # noqa: ARG002
        ) -> None:
            """Told."""
            _EAR.got_to(cur_iter, total_iters, prefix)

        def set_verbosity(self, verbosity: str) -> None:
            """There is one."""

    log.set_logger(Quiet())
    # It was bound to the logger that was there before.
    ResetStrategy.print_once = staticmethod(_EAR.warned)
    _EAR.installed = True
