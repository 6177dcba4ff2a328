"""A board's LED and its memory, tried: the commands `led` and `memory` of docs/wire.md."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.telemetry.conversation import Conversation
from edge_deploy.telemetry.failures import Damaged

MEMORY_S = 30.0
"""For 8 MB of PSRAM, which is written and read five times, at a hundredth of what its bus can."""


@dataclass(frozen=True)
class TriedMemory:
    """What `memory` found. bytes: tried; 0 where the board knows of none that is free.

    errors: words that did not hold one of five patterns.
    """

    bytes: int
    errors: int


class Parts:
    """Parts of one board that firmware which records can try.

    Every method may raise what a Session's may, and BoardRefused where the firmware does not know
    the command or the board has not the part.
    """

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk

    def led(self, *, on: bool) -> None:
        """Switch the LED that a user sees."""
        command = f"led {int(on)}"

        def attempt() -> None:
            self._talk.send(command)
            if self._talk.expect("led", command).integer("on") != int(on):
                raise Damaged("another led was confirmed")
            self._talk.expect_ready(command)

        self._talk.retry(command, attempt)

    def memory(self) -> TriedMemory:
        """Write patterns to all RAM that nothing uses, and read them back. Ends a stream."""

        def attempt() -> TriedMemory:
            self._talk.send("memory")
            record = self._talk.expect("memory", "memory", MEMORY_S)
            found = TriedMemory(record.integer("bytes"), record.integer("errors"))
            self._talk.expect_ready("memory")
            return found

        return self._talk.retry("memory", attempt)
