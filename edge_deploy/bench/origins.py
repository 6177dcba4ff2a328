"""Where each number comes from: the one place that says what is measured and what is modelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge_deploy.devices.virtual import power

ARENA = "computed:memory_plan"
IMAGE = "computed:linked_image"
MODEL_OBJECT = "computed:model_object"
WEIGHTS = "computed:compiler"
STACK = "measured:painted_stack"


@dataclass(frozen=True)
class Origins:
    """Of what a board counts: time, cycles (and instructions), energy."""

    latency: str
    cycles: str
    energy: str


class Ported(Protocol):
    """What a board says of itself, or a recording of it."""

    @property
    def port(self) -> str:
        """The firmware's port."""

    @property
    def variant(self) -> str:
        """Where the firmware runs, and by what its clock was measured."""


def of(hello: Ported) -> Origins:
    """The origins on a board, by its firmware's port (docs/wire.md, `hello`).

    A virtual board's time is its cycles over its clock, and its energy those times the currents
    of boards.yaml: all are modelled. Elsewhere a clock or a counter of the board is read.
    """
    if hello.port == "virtual_m4":
        cycles = "modelled:cortex_m4"
        _, plus, calibrated = hello.variant.partition("+")
        return Origins(cycles + plus + calibrated, cycles, power.ORIGIN + plus + calibrated)
    if hello.port == "host":
        return Origins("measured:host_clock", "measured:host_counter", "measured:host_meter")
    # A real board: the counters are those of its core, under the port's name.
    return Origins(
        f"measured:{hello.port}_clock",
        f"measured:{hello.port}_cycle_counter",
        f"measured:{hello.port}_meter",
    )
