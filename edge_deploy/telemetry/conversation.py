"""Commands out, events in, over one link: time-outs, retries, getting back in step.

The rules of docs/wire.md that hold for every command; what the commands mean is `session.py`'s
business. Every wait ends: at a deadline that moves on with progress only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge_deploy.errors import LinkLost
from edge_deploy.telemetry.failures import (
    BoardRefused,
    BoardRestarted,
    Damaged,
    ForeignFirmware,
    LinkSilent,
    LinkUnreliable,
)
from edge_deploy.telemetry.wire import (
    ATTENTION,
    ED_WIRE_UPLOAD_SILENCE_MS,
    INIT_DONE,
    READY,
    Event,
    Line,
    Parser,
    Record,
    encode_command,
)

DEFAULT_TIMEOUT_S = 10.0
"""Silence after which a board is given up, beyond what it was expected to need: four times the
slowest single inference that a supported board was seen to need (2.3 s, person detection in
plain C on an ESP32-S3)."""

ATTENTION_S = 2 * ED_WIRE_UPLOAD_SILENCE_MS / 1000
"""Between two lone `%`: a board that still waits for an upload takes the `%` for data and gives
up after 500 ms of silence, so a shorter interval would keep it waiting for ever."""

REPLY_S = 2.0
"""To begin a reply that needs no inference. Boards answer within milliseconds; the rest is for a
loaded computer. Shorter than DEFAULT_TIMEOUT_S, since what is lost is only asked for again."""

QUIET_S = 0.1
"""No byte for so long: nothing more of an old reply is under way (USB frames come every 1 ms)."""

ATTEMPTS = 8
"""Of a command whose reply was damaged. With one byte in a thousand garbled, a 300-byte reply
comes whole 74 times in 100: 8 attempts then fail once in 48,000."""

_Result = TypeVar("_Result")


class Link(Protocol):
    """What a conversation needs of a link; every `devices.device.Link` is one."""

    def read(self, timeout_s: float) -> bytes:
        """What has come, as soon as any has; b"" if nothing does in time. Raises LinkLost."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises LinkLost."""

    def close(self) -> None:
        """Let go of the board."""


@dataclass(frozen=True)
class Health:
    """How clean the link has been since the session began (see `wire.Parser`)."""

    corrupt_lines: int
    overlong_lines: int
    lost_records: int
    repeated_records: int
    disordered_records: int
    retries: int


class Conversation:
    """One link and where we stand in what it says.

    timeout_s: silence that is given up on. clock: monotonic seconds; tests give their own.
    boot_expected: False once a boot would be news; then it raises BoardRestarted.
    known: True once the board has said hello.
    """

    def __init__(
        self,
        link: Link,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout_s = timeout_s
        self.now = clock
        self.boot_expected = True
        self.known = False
        self.retries = 0
        self._link = link
        self._parser = Parser()
        self._events: deque[Event] = deque()
        self._booting = False
        self._heard_at = clock()  # when the last byte came

    @property
    def health(self) -> Health:
        """What was damaged, lost and repeated so far."""
        parser = self._parser
        return Health(
            parser.corrupt_lines,
            parser.overlong_lines,
            parser.lost_records,
            parser.repeated_records,
            parser.disordered_records,
            self.retries,
        )

    @property
    def damage(self) -> int:
        """Grows with every line that was damaged or lost."""
        return self._parser.damage

    def begin(self) -> None:
        """Get in step with a board that may be doing anything, and knows nothing of us.

        What is damaged before that does not count: the link may have been opened in mid-line.
        """
        before = self._parser if self.known else Parser()
        self.boot_expected = True
        self.known = False
        self._booting = False
        self._events.clear()
        self._parser = Parser()
        self.resync()
        self._parser = before
        self._parser.restart()

    def close(self) -> None:
        """Let go of the link."""
        self._link.close()

    # --- out ------------------------------------------------------------------------------

    def send(self, command: str) -> None:
        """One command of ours."""
        self.send_raw(encode_command(command))

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are. Raises LinkLost."""
        try:
            self._link.write(data)
        except OSError as error:
            raise LinkLost(f"the link broke while writing: {error}.") from error

    # --- in -------------------------------------------------------------------------------

    def receive(self, deadline: float) -> Event | None:
        """The next event, None once `deadline` has passed. Raises BoardRestarted, LinkLost.

        Not every event is progress: whoever waits moves the deadline on for those that are.
        """
        while not self._events:
            left = deadline - self.now()
            if left <= 0:
                return None
            data = self._link.read(left)
            if data:
                self._heard_at = self.now()
                self._events.extend(self._parser.feed(data))
        event = self._events.popleft()
        if not self.boot_expected:
            self._notice_boot(event)
        return event

    def _notice_boot(self, event: Event) -> None:
        """Raise BoardRestarted for a boot's record, or for its lines if the record was damaged."""
        if isinstance(event, Record):
            if event.kind == "boot":
                self._booting = False
                raise BoardRestarted(event.text("reason"))
        elif event.text == INIT_DONE:
            self._booting = True
        elif event.text == READY and self._booting:
            self._booting = False
            raise BoardRestarted("unknown")

    def expect(self, kind: str, command: str, patience_s: float = REPLY_S) -> Record:
        """The next record of that kind. Raises Damaged; BoardRefused for an `ed-error`."""
        deadline = self.now() + patience_s
        while (event := self.receive(deadline)) is not None:
            if isinstance(event, Record):
                if event.kind == kind:
                    return event
                if event.kind == "error":
                    refuse(command, event)
            elif event.text == READY:
                raise Damaged(f"the reply ended without ed-{kind}")
        raise Damaged(f"ed-{kind} did not come")

    def expect_ready(self, command: str) -> None:
        """The line that ends a reply. Raises Damaged; BoardRefused for an `ed-error`."""
        deadline = self.now() + REPLY_S
        while (event := self.receive(deadline)) is not None:
            if isinstance(event, Line):
                if event.text == READY:
                    return
            elif event.kind == "error":
                refuse(command, event)
        raise Damaged(f"{READY} did not come")

    # --- getting back in step -------------------------------------------------------------

    def retry(self, command: str, attempt: Callable[[], _Result]) -> _Result:
        """Carry out `attempt` until its reply is whole. Raises LinkUnreliable after ATTEMPTS."""
        why = ""
        for _ in range(ATTEMPTS):
            try:
                return attempt()
            except Damaged as damaged:
                why = str(damaged)
            self.retries += 1
            self.resync()
        health = self.health
        raise LinkUnreliable(
            f"no whole answer to `{command}` in {ATTEMPTS} attempts: {why}; "
            f"{health.corrupt_lines} corrupt lines, {health.lost_records} lost records.",
            try_next=("use another cable or port, and run the command again",),
        )

    def resync(self) -> None:
        """Lone `%`s until the board says `m-ready`, then discard all that comes before a pause.

        Raises LinkSilent after `timeout_s`; ForeignFirmware if before the first hello there
        were clean lines, and none that a board of ours would say.
        """
        began, damage = self.now(), self.damage
        heard: Event | None = None
        while self.now() - began < self.timeout_s:
            self.send_raw(ATTENTION)
            deadline = self.now() + ATTENTION_S
            while (event := self.receive(deadline)) is not None:
                if isinstance(event, Line) and event.text == READY:
                    self.drain()
                    return
                if not isinstance(heard, Record):
                    heard = event
        waited = f"{self.now() - began:.0f} s"
        damage = self.damage - damage
        ours = isinstance(heard, Record) or (heard is not None and heard.text.startswith("m-"))
        if isinstance(heard, Line) and not (ours or self.known or damage):
            raise foreign(heard.text)
        if ours:
            what = f"the board is busy: it sends, but has taken no command for {waited}."
        elif damage:
            what = f"what the board sends cannot be read: {damage} damaged lines in {waited}."
        else:
            what = f"the board has not answered for {self.now() - self._heard_at:.0f} s."
        raise LinkSilent(
            what,
            try_next=(
                "press the board's reset button, or plug it in again, and run the command again",
                "give a longer --timeout  if the model is that slow",
            ),
        )

    def drain(self) -> None:
        """Discard what comes until no byte does for QUIET_S; a stream is not waited out."""
        end = self.now() + REPLY_S
        while True:
            while self._events:
                self.receive(end)  # for the boot that may be among them
            data = self._link.read(QUIET_S)
            if not data or self.now() >= end:
                return
            self._events.extend(self._parser.feed(data))


def refuse(command: str, error: Record) -> None:
    """Raise what an `ed-error` means: Damaged if the link is to blame, else BoardRefused."""
    code = error.text("code")
    if code in {"crc", "data", "timeout"}:
        raise Damaged(f"the board reports {code}")
    details = [f", {key}={value}" for key, value in error.fields.items() if key != "code"]
    raise BoardRefused(command, code, "".join(details)[:80])


def foreign(said: str) -> ForeignFirmware:
    """The error for a board that answers in words that are not ours."""
    return ForeignFirmware(
        f"what answers is not edge-deploy's firmware: {said[:60]!r}.",
        try_next=("edge-deploy flash --board BOARD MODEL  put our firmware on it",),
    )
