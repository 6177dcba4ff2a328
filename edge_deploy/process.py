"""The one place that starts programs: with a time-out, in a process group of their own, logged.

Turns an argument list into a Completed (`run`) or a Child with pipes (`spawn`). Whatever ends
the wait (time-out, Ctrl-C, an error), the whole group is killed: a compiler's own children, too,
are gone when this module is done with it. Never goes through a shell. Knows nothing about what
the programs do; a return code other than 0 is the caller's to judge.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from edge_deploy.errors import BuildFailed

_log = logging.getLogger(__name__)

# How long a program may take to end after it was asked to, before it is killed. A program that
# only has buffers to write needs milliseconds.
_TERMINATE_S = 2.0

# How long to wait for a killed program to be gone, and for its pipes to be empty. Only a process
# in an uninterruptible system call, or a grandchild that left the group, takes longer.
_KILL_S = 5.0

ENDS_S = 10.0
"""How long a program that has closed its output may take to end."""

# How much of a child's standard error is kept for messages.
_ERRORS_BYTES = 65_536


class ProcessMissing(BuildFailed):
    """The program (or the folder to run it in) is not there, or may not be executed."""


class ProcessTimeout(BuildFailed):
    """The program did not end in time, and was killed with all that it had started.

    stdout, stderr: what it had written until then.
    """

    def __init__(self, message: str, *, stdout: bytes = b"", stderr: bytes = b"") -> None:
        super().__init__(message)
        self.stdout = stdout
        self.stderr = stderr


@dataclass(frozen=True)
class Completed:
    """A program that has ended."""

    argv: tuple[str, ...]
    returncode: int  # negative: killed by that signal (POSIX)
    stdout: bytes
    stderr: bytes
    seconds: float  # wall clock


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    input: bytes | None = None,  # noqa: A002 (the name that subprocess uses)
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program to its end and return what it wrote.

    argv: the program and its arguments; no shell is involved.
    timeout_s: seconds of wall clock, after which the whole process group is killed.
    input: bytes for its standard input; None connects it to nothing.
    env: variables to set on top of this process's own.
    Raises ProcessMissing, ProcessTimeout. A return code other than 0 raises nothing.
    """
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    with _start(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            stdout, stderr = _kill_and_drain(process)
            _log.warning("%s: killed after %.1f s", words[0], timeout_s)
            raise ProcessTimeout(
                f"{Path(words[0]).name} did not end within {timeout_s:g} s.",
                stdout=stdout,
                stderr=stderr,
            ) from None
        except BaseException:  # Ctrl-C above all: leave nothing running behind
            _kill_and_drain(process)
            raise
    seconds = time.monotonic() - started
    _log.debug("%s: returned %d after %.2f s", words[0], process.returncode, seconds)
    return Completed(words, process.returncode, stdout, stderr, seconds)


def spawn(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Start a program and return at once, with unbuffered binary pipes to it.

    argv, cwd, env: as for `run`. Raises ProcessMissing.
    A Child that is still running when Python ends is killed.
    """
    words = tuple(str(word) for word in argv)
    errors = tempfile.TemporaryFile()  # noqa: SIM115 (the Child closes it)
    try:
        process = _start(words, cwd=cwd, env=env, stdin=subprocess.PIPE, stderr=errors)
    except BaseException:
        errors.close()
        raise
    return Child(words, process, errors)


class Child:
    """A running program and its pipes; made by `spawn`, ended by `terminate` or `with`."""

    def __init__(
        self, argv: tuple[str, ...], process: subprocess.Popen[bytes], errors: IO[bytes]
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.argv = argv
        self.pid = process.pid
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout
        self._process = process
        self._errors = errors
        _children.add(self)

    def poll(self) -> int | None:
        """The return code, or None while the program runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Wait for the program to end; its return code. Raises ProcessTimeout; kills nothing."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessTimeout(
                f"{Path(self.argv[0]).name} did not end within {timeout_s:g} s."
            ) from None

    def lines(self, timeout_s: float) -> Iterator[str]:
        """What the program writes to its standard output, a line at a time as it comes.

        A progress bar writes one line over and over, ended by carriage returns: each is given.
        Empty ones are not. Raises ProcessTimeout, with the program killed, where its output has
        not ended after `timeout_s` seconds of wall clock.
        """
        expired = threading.Event()

        def end() -> None:
            expired.set()
            _signal_group(self._process, "kill")

        timer = threading.Timer(timeout_s, end)
        timer.daemon = True
        timer.start()
        held = b""
        try:
            while data := os.read(self.stdout.fileno(), 4096):
                *whole, held = re.split(rb"[\r\n]+", held + data)
                yield from (_text(line) for line in whole if line.strip())
        finally:
            timer.cancel()
        if expired.is_set():
            raise ProcessTimeout(f"{Path(self.argv[0]).name} did not end within {timeout_s:g} s.")
        if held.strip():
            yield _text(held)

    def errors(self) -> bytes:
        """The end of what the program wrote to its standard error, at most 65,536 bytes."""
        if self._errors.closed:
            return b""
        # The program writes through a descriptor that shares our file position: look at the
        # file's size and its bytes without moving it where the system can.
        size = os.fstat(self._errors.fileno()).st_size
        first = max(0, size - _ERRORS_BYTES)
        if hasattr(os, "pread"):
            return os.pread(self._errors.fileno(), size - first, first)
        if self.poll() is None:  # without pread, wait for the end rather than move its position
            return b""
        self._errors.seek(first)
        return self._errors.read()

    def terminate(self) -> int:
        """End the program and all that it started; returns its return code. Safe to repeat.

        It is asked first, and killed if it has not ended 2 s later.
        """
        if self._process.poll() is None:
            _signal_group(self._process, "terminate")
            try:
                self._process.wait(_TERMINATE_S)
            except subprocess.TimeoutExpired:
                _log.warning("%s: did not end when asked, killing it", self.argv[0])
        # Also when the leader has ended by itself: its children may not have.
        _signal_group(self._process, "kill")
        code = self._process.wait(_KILL_S)
        for pipe in (self.stdin, self.stdout, self._errors):
            with contextlib.suppress(OSError):  # a pipe whose other end is gone is closed enough
                pipe.close()
        _children.discard(self)
        return code

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.terminate()


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


_children: weakref.WeakSet[Child] = weakref.WeakSet()


@atexit.register
def _terminate_all() -> None:
    """Leave no program behind when Python ends."""
    for child in list(_children):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            child.terminate()


def _start(
    words: tuple[str, ...],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    stdin: int,
    stderr: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start `words` in a process group of its own, unbuffered. Raises ProcessMissing."""
    # A folder that is not there would be reported as if the program were missing.
    if cwd is not None and not cwd.is_dir():
        raise ProcessMissing(f"{cwd} is not a folder; {words[0]} was to run in it.")
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
    _log.debug("%s%s", shlex.join(words), f"  (in {cwd})" if cwd else "")
    try:
        return subprocess.Popen(
            words,
            bufsize=0,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            **options,
        )
    except OSError as error:
        raise ProcessMissing(f"{words[0]} cannot be started: {error.strerror or error}.") from error


def _signal_group(process: subprocess.Popen[bytes], how: str) -> None:
    """Ask (`terminate`) or make (`kill`) the whole group of `process` end; gone is fine."""
    if sys.platform == "win32":
        if process.poll() is None:
            # Windows has no signal for a group; taskkill walks the tree of children.
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(process.pid)],  # noqa: S607 (part of Windows)
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=_KILL_S,
            )
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # PermissionError: macOS says so of a group in which only zombies are left.
        os.killpg(process.pid, signal.SIGTERM if how == "terminate" else signal.SIGKILL)


def _kill_and_drain(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill the group of `process`, and return what it had written."""
    _signal_group(process, "kill")
    try:
        stdout, stderr = process.communicate(timeout=_KILL_S)
    except subprocess.TimeoutExpired as error:
        # A grandchild that left the group still holds a pipe open; do not wait for it.
        stdout, stderr = error.output or b"", error.stderr or b""
    return stdout or b"", stderr or b""
