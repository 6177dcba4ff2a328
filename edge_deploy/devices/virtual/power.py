"""Modelled energy of a board: how long its core was active and idle, times its currents.

Knows two states, active and idle (System ON, waiting), with one current each from boards.yaml.
What the model leaves out (peripherals, sensors, the regulator's losses at low load) is said in
docs/virtual_board.md.
"""

from __future__ import annotations

from dataclasses import dataclass

# What an energy comes from, as every figure made of it says.
ORIGIN = "modelled:cycles_and_currents"


@dataclass(frozen=True)
class PowerModel:
    """Currents of a board at its supply.

    active_ua: microamperes while instructions run; idle_ua: while the core waits.
    supply_mv: millivolts.
    """

    active_ua: float
    idle_ua: float
    supply_mv: float

    def energy_nj(self, active_ns: int, idle_ns: int) -> int:
        """Nanojoules for that long in each state. uA x mV is nW; nW x ns is 1e-9 nJ."""
        return round((active_ns * self.active_ua + idle_ns * self.idle_ua) * self.supply_mv / 1e9)
