"""What can go wrong in a session, one class for each case that a caller must tell apart."""

from __future__ import annotations

from edge_deploy.errors import EdgeDeployError, LinkLost, WrongBoard

# docs/wire.md, "Error codes": what a person is told.
REFUSALS = {
    "crc": "the command was damaged on its way",
    "unknown": "this firmware does not know the command",
    "range": "an argument is missing, not a number, or outside its limits",
    "size": "the upload has another size than the model's inputs",
    "data": "the upload was damaged on its way",
    "timeout": "the upload fell silent",
    "no-input": "no input is loaded",
    "no-part": "the board has no such part",
    "no-source": "the board has nothing to stream from",
}


class Damaged(Exception):
    """A reply that cannot be believed; the text says why. Never leaves a session."""


class WrongModel(WrongBoard):
    """The board answers, and runs another model than the one asked for."""

    def __init__(self, running: str, running_sha256: str, wanted_sha256: str) -> None:
        super().__init__(
            f"the board runs another model: {running} {running_sha256[:12]}, "
            f"not {wanted_sha256[:12]}.",
            try_next=("edge-deploy flash --board BOARD MODEL  put the model on it",),
        )
        self.running_sha256 = running_sha256
        self.wanted_sha256 = wanted_sha256


class ForeignFirmware(WrongBoard):
    """Something answers, and it is not this version's firmware."""


class BoardRestarted(LinkLost):
    """The board booted in the middle of a session; what it held is gone."""

    def __init__(self, reason: str) -> None:
        why = {
            "power": "its power was cut",
            "reset": "it was reset",
            "brownout": "its supply fell too low (brownout)",
        }.get(reason, "it does not know why")
        super().__init__(
            f"the board restarted in mid-session: {why}.",
            try_next=(
                "run the command again",
                "use a shorter or another USB cable, without a hub  if it was a brownout",
            ),
        )
        self.reason = reason


class LinkSilent(LinkLost):
    """Nothing came for too long."""


class LinkUnreliable(LinkLost):
    """The board answers, but too much of what it says arrives damaged."""


class BoardRefused(EdgeDeployError):
    """The board understood a command and answered `ed-error`."""

    def __init__(self, command: str, code: str, detail: str = "") -> None:
        why = REFUSALS.get(code, "a code that this version does not know")
        super().__init__(f"the board refuses `{command}`: {why} (code {code}{detail}).")
        self.code = code
