"""A folder that builds with no edge-deploy installed: two projects, and a page that says how.

Turns generated files into texts by path.
"""

from __future__ import annotations

from collections.abc import Mapping

import edge_deploy
from edge_deploy import compiler, kits, places
from edge_deploy.boards import Board
from edge_deploy.build import project
from edge_deploy.sensing import FeatureSettings

README = "README.md"
# The page with names in braces.
_PAGE = "export_readme.md"
_PROJECT = "platformio"

EDGE_DEPLOY, TFLM = "edge-deploy", "tflm"
_LIBRARY: dict[str, tuple[str, ...]] = {
    EDGE_DEPLOY: (),
    # That spelling: facts of the registry.
    TFLM: ("spaziochirale/Chirale_TensorFLowLite@^2.0.0",),
}
_ENGINES = {
    EDGE_DEPLOY: """\
It needs no edge-deploy and no
inference library: the board's own core and a C compiler, which the tools below bring. It has been
compiled against declarations of that core, and has not run on a board of ours yet.""",
    TFLM: """\
It runs in TensorFlow Lite Micro, by
the library Chirale_TensorFlowLite, for comparison with edge-deploy's own code, and needs no
edge-deploy. **It has not been built by us**: its syntax was checked against declarations of the
core and of the library. Where the board says that the arena is too small, export again with a
larger `--arena`.""",
}

# Of a model compiled for them.
_KERNELS = {
    compiler.ESP32S3: """
Its kernels use the chip's vector instructions (`--target esp32s3`), and **no board has run them
yet**: `edge-deploy verify` tells whether they are right on yours.""",
}

_BY_THE_IDE = "\n4. *Tools, Manage Libraries*: install `Chirale_TensorFlowLite`."

# What Arduino's IDE calls a board, and the core that brings it.
_ARDUINO = {
    "nano33": ("Arduino Nano 33 BLE", "Arduino Mbed OS Nano Boards"),
    "xiao_esp32s3": ("XIAO_ESP32S3", "esp32 by Espressif Systems, 2.0.17 (3.x has other drivers)"),
}
_LIBRARIES = {
    "nano33": (
        "\n4. *Tools, Manage Libraries*: install `Arduino_BMI270_BMM150`, which a Sense Rev2 needs "
        "for its inertial sensor."
    ),
    "xiao_esp32s3": ("\n4. *Tools*: PSRAM: *OPI PSRAM*; USB CDC On Boot: *Enabled*."),
}

# What a person sees of it: docs/arduino_port.md.
_SHOWS = {
    "nano33": (
        "the labels that it may decide for are green, red, blue, yellow, cyan, magenta and white "
        "on its\nRGB LED, in their order, and then the same with the orange LED; one label alone "
        "is red; a number is the orange LED's\nbrightness"
    ),
    "xiao_esp32s3": (
        "its LED is on while there is a label, which the display of a XIAOML kit names; a number "
        "is its\nLED's brightness"
    ),
}


def files(
    name: str,
    generated: Mapping[str, str],
    board: Board,
    features: FeatureSettings | None,
    *,
    engine: str = EDGE_DEPLOY,
) -> dict[str, str]:
    """Everything that belongs into the folder, by path.

    name: of the model; the sketch gets it, in the letters that Arduino allows.
    engine: what runs the model, EDGE_DEPLOY or TFLM; `generated` is of it.
    Raises UsageError for a board that neither builds for.
    """
    sketch = sketch_name(name)
    found = {
        f"{_PROJECT}/{path}": text
        for path, text in project.platformio(generated, board, features, _LIBRARY[engine]).items()
    }
    found |= {
        f"{sketch}/{path}": text
        for path, text in project.sketch(sketch, generated, board, features).items()
    }
    kit = kits.find(board.name)
    assert kit is not None, "a board that is built for has a kit"
    firmware = places.shipped("firmware")
    page = (firmware / _PAGE).read_text(encoding="utf-8")
    found[README] = page.format(
        name=name,
        title=board.title,
        sketch=sketch,
        project=_PROJECT,
        board=board.name,
        arduino=_ARDUINO[board.name][0],
        core=_ARDUINO[board.name][1],
        libraries=_LIBRARIES[board.name] + (_BY_THE_IDE if engine == TFLM else ""),
        shows=_SHOWS[board.name],
        by_hand=kit.by_hand.text,
        version=edge_deploy.__version__,
        engine=_ENGINES[engine] + _KERNELS.get(board.target, ""),
    )
    found["LICENSE"] = (firmware / "LICENSE").read_text(encoding="utf-8")
    return found


def sketch_name(name: str) -> str:
    """A name as Arduino takes it: ASCII letters, digits, `_`, and a letter first."""
    word = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)[:60]
    return word if word[:1].isalpha() else f"model_{word}"
