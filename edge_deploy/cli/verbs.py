"""The verbs and the exit codes, each in one table.

A verb is listed here when it works, never before. `module` is imported when the verb is
called; its command is the function of the verb's name (a trailing underscore where Python
has the word already).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.errors import Exit


@dataclass(frozen=True)
class Verb:
    """One word of the command line and where its command lives."""

    name: str
    task: str
    module: str
    summary: str

    @property
    def function(self) -> str:
        """Name of the click command in `module`."""
        return f"{self.name}_" if self.name == "compile" else self.name


VERBS: tuple[Verb, ...] = (
    Verb("boards", "look", "look", "List the kinds of board, or show one with its sources."),
    Verb("labs", "look", "labs", "List the labs, or show one with what was recorded for it."),
    Verb("doctor", "look", "doctor", "Look for what stands between you and a board."),
    Verb("inspect", "look", "look", "Show what a model needs, and whether it fits a board."),
    Verb("data", "look", "data", "List, download and check the recordings that labs learn from."),
    Verb("new", "make", "new", "Make a lab of your own: a folder that every verb takes."),
    Verb("record", "make", "record", "Record labelled clips of your own from a board's sensor."),
    Verb("train", "make", "make", "Train a lab's model and quantize it to int8."),
    Verb(
        "quantize", "make", "quantize", "Make a Keras model or float .tflite int8; what it costs."
    ),
    Verb("evaluate", "make", "evaluate", "Tell how good a lab is, by held-out recordings."),
    Verb("explore", "make", "explore", "Try a lab's knobs, and show what accuracy costs."),
    Verb("compile", "compile", "translate", "Compile an int8 .tflite to plain C."),
    Verb("carray", "compile", "translate", "Print a .tflite as a C array, for an interpreter."),
    Verb("build", "compile", "building", "Build the firmware with a model, without flashing it."),
    Verb("flash", "run", "live", "Put a model on a board and stream what it computes."),
    Verb("run", "run", "live", "Stream from a board that was flashed before."),
    Verb("monitor", "run", "live", "Watch a board over any link, or its raw lines."),
    Verb("replay", "run", "replay", "Show a recording again."),
    Verb("virtual", "run", "live", "Start a virtual board for any serial program."),
    Verb("selftest", "run", "selftest", "Look whether a board's parts work, pass or fail."),
    Verb("restore", "run", "restore", "Put a blink on a real board, in place of our firmware."),
    Verb("verify", "measure", "measure", "Compare a board's outputs with TensorFlow Lite's bits."),
    Verb("bench", "measure", "measure", "Measure latency, memory and energy on a board."),
    Verb("profile", "measure", "measure", "The same as bench, layer by layer."),
    Verb("calibrate", "measure", "calibrate", "Hold the cycle model against a board of yours."),
)

EXIT_CODES: tuple[tuple[Exit, str], ...] = (
    (Exit.DONE, "done"),
    (Exit.FAILED, "failed"),
    (Exit.USAGE, "usage"),
    (Exit.BAD_INPUT, "an input file cannot be read or is not what it should be"),
    (Exit.NO_BOARD, "no board"),
    (Exit.BOARD_BUSY, "board busy"),
    (Exit.FLASH_FAILED, "flash failed"),
    (Exit.OVER_BUDGET, "over budget or does not fit"),
    (Exit.WRONG_BOARD, "wrong board, model or output"),
    (Exit.UNSUPPORTED_MODEL, "unsupported model"),
    (Exit.BUILD_FAILED, "build or toolchain failed"),
    (Exit.LINK_LOST, "link lost or timed out"),
    (Exit.ACCESS_DENIED, "access denied (permission, authentication, host key)"),
    (Exit.INTERRUPTED, "interrupted"),
)
