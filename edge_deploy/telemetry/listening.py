"""The listening window of a board: clear it, let it hear samples, have it decide, read it back.

The commands `forget`, `hear`, `decide` and `window` of docs/wire.md. A damaged reply never makes
the board hear anything twice: samples go out in pieces that each complete a frame, and the
board's count of frames tells whether a piece whose confirmation was lost has arrived. Knows nothing
about where samples come from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.telemetry.conversation import REPLY_S, Conversation, refuse
from edge_deploy.telemetry.failures import BoardRestarted, Damaged, LinkUnreliable
from edge_deploy.telemetry.hello import AudioFacts, Hello
from edge_deploy.telemetry.readings import Inference, read_inference
from edge_deploy.telemetry.wire import ED_WIRE_AUDIO_BYTES, READY, Line, Record, crc

PIECE_SAMPLES = ED_WIRE_AUDIO_BYTES // 2


class NotListening(BadInput):
    """The firmware on the board does not listen."""


class Listening:
    """The window of one board. upload: sends one `hear` or `load` and has it confirmed.

    Every method may raise what a Session's may.
    """

    def __init__(self, talk: Conversation, upload: Callable[[str, bytes], None]) -> None:
        self._talk = talk
        self._upload = upload
        self._heard = 0  # samples that the board has had since it forgot
        self._held = np.zeros(0, np.int16)  # of the frame that is not complete: not sent yet
        self._known = False  # whether the window is one that we began
        self._doubtful = False  # whether a piece went out that was not confirmed

    def lose(self) -> None:
        """The window is not ours any more: a stream had it, or the board was met anew."""
        self._known = self._doubtful = False

    def forget(self) -> None:
        """Clear the window and what a decision remembers."""
        self.lose()
        self._talk.retry("forget", self._forget_once)
        self._heard, self._held, self._known = 0, np.zeros(0, np.int16), True

    def _forget_once(self) -> None:
        self._talk.send("forget")
        self._talk.expect_ready("forget")

    def hear(self, hello: Hello, samples: NDArray[np.int16]) -> None:
        """Append samples, (n,) int16 at the firmware's rate.

        Samples that do not complete a frame wait here for the next call: no window could show
        them. The first call clears the window. Raises BadInput for anything but such samples.
        """
        audio = facts(hello)
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise BadInput(f"samples are int16 in one row, not {samples.dtype} {samples.shape}.")
        if not self._known:
            self.forget()
        waiting = np.concatenate([self._held, samples])
        total = self._heard + len(waiting)
        ready = max(0, audio.samples_in(audio.frames_in(total)) - self._heard)
        sent = 0
        while sent < ready:
            size = _piece(audio, self._heard, ready - sent)
            self._hear_piece(audio, waiting[sent : sent + size])
            sent += size
            self._held = waiting[sent:].copy()
        self._held = waiting[sent:].copy()

    def _hear_piece(self, audio: AudioFacts, piece: NDArray[np.int16]) -> None:
        before = audio.frames_in(self._heard)
        after = audio.frames_in(self._heard + len(piece))
        data = piece.astype("<i2").tobytes()
        self._doubtful = False

        def attempt() -> None:
            if self._doubtful and self._has_come(before, after):
                return
            self._doubtful = True
            self._upload("hear", data)

        try:
            self._talk.retry("hear", attempt)
        except BaseException:
            self.lose()
            raise
        self._heard += len(piece)

    def _has_come(self, before: int, after: int) -> bool:
        """Whether the piece that was not confirmed is in the window. Raises BoardRestarted."""
        if before == after:
            raise LinkUnreliable(
                "the board did not confirm what it heard, and the piece was too short to tell; "
                "the window has to be begun again.",
                try_next=("run the command again",),
            )
        frames = self._ask_window()[1]
        if frames not in (before, after):
            raise BoardRestarted("unknown")  # its boot lines were lost on the way
        return frames == after

    def decide(self, hello: Hello, patience_s: float) -> Inference:
        """One inference on the window as it is; never `heard`."""
        facts(hello)
        asked = False

        def attempt() -> Inference:
            nonlocal asked
            if asked and hello.state_bytes:
                raise LinkUnreliable(
                    "the board's decision came damaged, and asking again would move the model's "
                    "variables on.",
                    try_next=("run the command again",),
                )
            asked = True
            self._talk.send("decide")
            record = self._talk.expect("result", "decide", patience_s)
            self._talk.expect_ready("decide")
            return read_inference(record, hello.outputs)

        return self._talk.retry("decide", attempt)

    def window(self, hello: Hello) -> bytes:
        """The window's bytes as the model gets them, oldest frame first: (frames, bins) int8."""
        facts(hello)

        def attempt() -> bytes:
            data = self._ask_window()[0]
            if data is None:
                raise Damaged("a piece of the window is missing")
            return data

        return self._talk.retry("window", attempt)

    def _ask_window(self) -> tuple[bytes | None, int]:
        """(the window, None where a piece is missing; frames since it was cleared)."""
        talk = self._talk
        talk.send("window")
        data = bytearray()
        whole = True
        deadline = talk.now() + REPLY_S
        while (event := talk.receive(deadline)) is not None:
            if isinstance(event, Line):
                if event.text == READY:
                    raise Damaged("the reply ended without ed-windowed")
            elif event.kind == "window":
                deadline = talk.now() + REPLY_S
                whole = whole and event.integer("off") == len(data)
                data += event.raw("hex")
            elif event.kind in {"windowed", "error"}:
                return self._end_of_window(event, bytes(data) if whole else None)
        raise Damaged("ed-windowed did not come")

    def _end_of_window(self, event: Record, data: bytes | None) -> tuple[bytes | None, int]:
        if event.kind == "error":
            refuse("window", event)
        self._talk.expect_ready("window")
        proved = (
            data is not None
            and len(data) == event.integer("bytes")
            and f"{crc(data):08x}" == event.text("crc")
        )
        return (data if proved else None), event.integer("frames")


def facts(hello: Hello) -> AudioFacts:
    """How the firmware listens. Raises NotListening where it does not."""
    if hello.audio is None:
        raise NotListening(
            f"{hello.model} on this board does not listen (its source is {hello.source}).",
            try_next=("edge-deploy flash --board BOARD kws  put a model on it that does",),
        )
    return hello.audio


def _piece(audio: AudioFacts, heard: int, left: int) -> int:
    """How many samples to send next: as many whole frames as an upload takes."""
    if left <= PIECE_SAMPLES:
        return left
    whole = audio.samples_in(audio.frames_in(heard + PIECE_SAMPLES)) - heard
    return whole if whole > 0 else PIECE_SAMPLES
