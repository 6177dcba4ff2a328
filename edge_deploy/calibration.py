"""What was measured on a board of one's own, in place of what boards.yaml assumes of its kind.

Turns `calibration.json` of the user's folder into Calibrations and back, and a Board into the same
board with them. Knows nothing of how they were measured.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_deploy import places
from edge_deploy.errors import BadInput, EdgeDeployError

FILE = "calibration.json"
SCHEMA_VERSION = 1
_ID = re.compile(r"[0-9a-f]{8}")
_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Calibration:
    """What a measurement says of one kind of board.

    id: eight hex digits of the report that it is from; measured_at: when, ISO 8601.
    clock_hz: at which the modelled cycles take the measured time; flash_wait_states: cycles more
    for a 32-bit word of data from flash, to the nearest whole one.
    """

    id: str
    board: str
    measured_at: str
    clock_hz: int
    flash_wait_states: int


def path() -> Path:
    """The user's file; it may not exist."""
    return places.home() / FILE


def load_all() -> dict[str, Calibration]:
    """By board. Empty where there is no file; raises BadInput for one that is not ours."""
    file = path()
    try:
        if file.stat().st_size > _LIMIT_BYTES:
            raise BadInput(f"{file} is no calibration of ours: it is too large.")
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise _damaged(file) from error
    try:
        if found["schema_version"] != SCHEMA_VERSION:
            raise _damaged(file)
        return {entry["board"]: _checked(entry) for entry in found["boards"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file) from error


def save(calibration: Calibration) -> Path:
    """Put it beside those of other boards, in place of an older one. Raises EdgeDeployError."""
    known = load_all() | {calibration.board: calibration}
    document = {
        "schema_version": SCHEMA_VERSION,
        "boards": [asdict(known[name]) for name in sorted(known)],
    }
    return _write(json.dumps(document, indent=2) + "\n")


def forget(board: str) -> bool:
    """Take a board's calibration back; False where there is none. Raises EdgeDeployError."""
    known = load_all()
    if known.pop(board, None) is None:
        return False
    entries = [asdict(known[name]) for name in sorted(known)]
    _write(json.dumps({"schema_version": SCHEMA_VERSION, "boards": entries}, indent=2) + "\n")
    return True


def _write(text: str) -> Path:
    file = path()
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise EdgeDeployError(f"{file} cannot be written: {error.strerror or error}.") from error
    return file


def _checked(entry: dict[str, Any]) -> Calibration:
    """One entry. Raises ValueError, KeyError, TypeError."""
    found = Calibration(
        id=str(entry["id"]),
        board=str(entry["board"]),
        measured_at=str(entry["measured_at"]),
        clock_hz=int(entry["clock_hz"]),
        flash_wait_states=int(entry["flash_wait_states"]),
    )
    if not _ID.fullmatch(found.id) or not 1_000 <= found.clock_hz <= 10_000_000_000:
        raise ValueError(found)
    if not 0 <= found.flash_wait_states <= 100:
        raise ValueError(found)
    return found


def _damaged(file: Path) -> BadInput:
    return BadInput(
        f"{file} is damaged, or of another version.",
        try_next=(f"rm {file}  then calibrate again",),
    )
