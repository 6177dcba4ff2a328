"""What the firmware must know of its board and lab, as `ed_app_config.h`.

Turns a Board, labels and a stream source into macros for `firmware/src/app/`. Knows nothing of
the model, whose own header comes from the compiler.
"""

from __future__ import annotations

from collections.abc import Sequence

import edge_deploy
from edge_deploy.boards import Board
from edge_deploy.build import sensing
from edge_deploy.compiler.text import c_float, c_string, wire_name
from edge_deploy.errors import UsageError
from edge_deploy.sensing import SENSORS, DecisionSettings, FeatureSettings, SourceSettings

FILE = "ed_app_config.h"
# A board that no host has spoken to for so long begins by itself. Other ports have a host always.
_ALONE_MS = {"arduino": 5000}
# What `hello` gives as variant: where the firmware runs, when it is not on the board itself.
VARIANTS = {"virtual_m4": "virtual", "host": "local", "arduino": "board"}
# Words of firmware/src/app/ed_source.h.
_SOURCES = {kind: f"ED_SOURCE_{kind.upper()}" for kind in ("none", "ramp", *SENSORS)}


def emit(
    board: Board,
    port: str,
    labels: Sequence[str],
    source: SourceSettings,
    features: FeatureSettings | None = None,
    decision: DecisionSettings | None = None,
    record: SourceSettings | None = None,
) -> str:
    """The text of `ed_app_config.h`.

    labels: any text; written as docs/wire.md says for text values.
    features, decision: what a source that is a sensor needs.
    record: the sensor whose samples go to the host as they are; there is no other source then.
    Raises UsageError for a source that this firmware does not have.
    """
    if record is not None and (record.kind not in SENSORS or source.kind != "none"):
        raise UsageError(f"firmware records one of {', '.join(SENSORS)}, and does nothing else.")
    if source.kind not in _SOURCES:
        raise UsageError(
            f"source {source.kind!r} is not known; there are {', '.join(sorted(_SOURCES))}."
        )
    clock_hz = board.modelled_clock_hz if port == "virtual_m4" else board.clock_hz
    # C99 has no empty initialiser: without labels there is one empty string, counted as none.
    texts = ", ".join(c_string(wire_name(label)) for label in labels) or '""'
    lines = [
        "/* Board and lab, as edge-deploy's build wrote them. Not committed. */",
        "#ifndef ED_APP_CONFIG_H",
        "#define ED_APP_CONFIG_H",
        "",
        f"#define ED_APP_BOARD {c_string(wire_name(board.name))}",
        f"#define ED_APP_VARIANT {c_string(_variant(board, port))}",
        f"#define ED_APP_PORT {c_string(port)}",
        f"#define ED_APP_FIRMWARE {c_string(edge_deploy.__version__)}",
        f"#define ED_APP_CLOCK_HZ {clock_hz}u",
        f"#define ED_APP_SUPPLY_MV {board.supply_mv or 0}u",  # 0: not known
        f"#define ED_APP_ALONE_MS {_ALONE_MS.get(port, 0)}u",
        f"#define ED_APP_LABELS {len(labels)}",
        f"#define ED_APP_LABEL_TEXTS {{ {texts} }}",
        f"#define ED_APP_SOURCE {'ED_SOURCE_RECORDER' if record else _SOURCES[source.kind]}",
    ]
    if source.kind == "ramp":
        lines += [
            f"#define ED_APP_RAMP_FROM {c_float(source.from_)}",
            f"#define ED_APP_RAMP_TO {c_float(source.to)}",
            f"#define ED_APP_RAMP_STEPS {source.steps}u",
            f"#define ED_APP_RAMP_PERIOD_US {round(source.period_ms * 1000)}u",
        ]
    elif source.kind in SENSORS:
        if features is None or decision is None:
            raise UsageError(f"a {source.kind} needs the lab's features and decision.")
        lines += sensing.macros(labels, source, features, decision)
    elif record is not None:
        lines.append(f"#define ED_APP_SENSOR {_SOURCES[record.kind]}")
        lines += sensing.sensor_macros(record)
    return "\n".join([*lines, "", "#endif", ""])


def _variant(board: Board, port: str) -> str:
    """What `hello` gives as variant; of a virtual board with what its clock was measured by."""
    known = VARIANTS[port]
    if port == "virtual_m4" and board.calibration is not None:
        return f"{known}+calibrated:{board.calibration.id}"
    return known
