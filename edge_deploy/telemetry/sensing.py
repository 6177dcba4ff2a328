"""The window of a board: clear it, let it have raw samples, have it decide, read it back.

The commands `forget`, `hear`, `decide` and `window` of docs/wire.md, for sound, motion and
pictures alike. A damaged reply never makes the board take anything twice: its count of samples
tells whether a piece whose confirmation was lost has arrived. Knows nothing about where samples
come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.telemetry.conversation import REPLY_S, Conversation, refuse
from edge_deploy.telemetry.facts import AudioFacts, ImageFacts, SensingFacts
from edge_deploy.telemetry.failures import BoardRestarted, Damaged, LinkUnreliable
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference, read_inference
from edge_deploy.telemetry.wire import ED_WIRE_HEAR_BYTES, READY, Line, crc

_COUNTED = 1 << 32  # samples are counted modulo this


class NotSensing(BadInput):
    """The firmware on the board has no window."""


@dataclass(frozen=True)
class _Windowed:
    """What ends a reply to `window`: bytes and CRC of all its pieces, samples so far."""

    bytes: int
    crc: str
    samples: int


class Sensing:
    """The window of one board. upload: sends one `hear` or `load` and has it confirmed.

    Every method may raise what a Session's may.
    """

    def __init__(self, talk: Conversation, upload: Callable[[str, bytes], None]) -> None:
        self._talk = talk
        self._upload = upload
        self._samples = 0  # that the board has had since it forgot
        self._known = False  # whether the window is one that we began

    def lose(self) -> None:
        """The window is not ours any more: a stream had it, or the board was met anew."""
        self._known = False

    def forget(self) -> None:
        """Clear the window and what a decision remembers."""
        self.lose()
        self._talk.retry("forget", self._forget_once)
        self._samples, self._known = 0, True

    def _forget_once(self) -> None:
        self._talk.send("forget")
        self._talk.expect_ready("forget")

    def hear(self, hello: Hello, samples: NDArray[Any]) -> None:
        """Append samples: see `as_bytes`. The first call clears the window."""
        sensing = facts(hello)
        data = as_bytes(sensing, samples)
        if not self._known:
            self.forget()
        size = ED_WIRE_HEAR_BYTES // sensing.sample_bytes * sensing.sample_bytes
        for start, end in _pieces(len(data), size):
            self._hear_piece(data[start:end], (end - start) // sensing.sample_bytes)

    def _hear_piece(self, data: bytes, samples: int) -> None:
        before = self._samples
        after = (before + samples) % _COUNTED
        doubtful = False  # whether the piece went out and was not confirmed

        def attempt() -> None:
            nonlocal doubtful
            if doubtful:
                found = self._ask_window({}).samples
                if found == after:
                    return
                if found != before:
                    raise BoardRestarted("unknown")  # its boot lines were lost on the way
            doubtful = True
            self._upload("hear", data)

        try:
            self._talk.retry("hear", attempt)
        except BaseException:
            self.lose()
            raise
        self._samples = after

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
        """The window's bytes as the model gets them, oldest first."""
        facts(hello)
        pieces: dict[int, bytes] = {}  # by their place; what one reply lacks may come in the next

        def attempt() -> bytes:
            windowed = self._ask_window(pieces)
            data = b"".join(pieces[place] for place in sorted(pieces))
            if len(data) < windowed.bytes:
                raise Damaged("a piece of the window is missing")
            if f"{crc(data):08x}" != windowed.crc:
                pieces.clear()  # of another window than this one
                raise Damaged("the window is not what the board says of it")
            return data

        return self._talk.retry("window", attempt)

    def _ask_window(self, pieces: dict[int, bytes]) -> _Windowed:
        """Ask for the window; adds to `pieces` what of it comes whole."""
        talk = self._talk
        talk.send("window")
        deadline = talk.now() + REPLY_S
        while (event := talk.receive(deadline)) is not None:
            if isinstance(event, Line):
                if event.text == READY:
                    raise Damaged("the reply ended without ed-windowed")
            elif event.kind == "window":
                deadline = talk.now() + REPLY_S
                pieces[event.integer("off")] = event.raw("hex")
            elif event.kind == "windowed":
                talk.expect_ready("window")
                return _Windowed(
                    event.integer("bytes"), event.text("crc"), event.integer("samples")
                )
            elif event.kind == "error":
                refuse("window", event)
        raise Damaged("ed-windowed did not come")


def facts(hello: Hello) -> SensingFacts:
    """How the firmware senses. Raises NotSensing where it does not."""
    if hello.sensing is None:
        raise NotSensing(
            f"{hello.model} on this board does not sense (its source is {hello.source}).",
            try_next=("edge-deploy flash --board BOARD kws  put a model on it that does",),
        )
    return hello.sensing


def as_bytes(sensing: SensingFacts, samples: NDArray[Any]) -> bytes:
    """Raw samples as they go over the wire. Raises BadInput for what are none.

    samples: sound (n,) int16; motion (n, axes) int16; one frame (height, width) uint8.
    """
    if isinstance(sensing, AudioFacts):
        right = samples.ndim == 1 and samples.dtype == np.int16
        wanted = "int16 in one row"
    elif isinstance(sensing, ImageFacts):
        right = samples.shape == (sensing.height, sensing.width) and samples.dtype == np.uint8
        wanted = f"uint8 in {sensing.height} rows of {sensing.width}"
    else:
        right = samples.shape == (len(samples), sensing.axes) and samples.dtype == np.int16
        wanted = f"int16 in rows of {sensing.axes}"
    if not right:
        raise BadInput(f"samples are {wanted}, not {samples.dtype} {samples.shape}.")
    return samples.astype(samples.dtype.newbyteorder("<")).tobytes()


def _pieces(length: int, size: int) -> list[tuple[int, int]]:
    """(start, end) of pieces of at most `size`."""
    return [(start, min(start + size, length)) for start in range(0, length, size)]
