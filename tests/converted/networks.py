"""Whole networks, small, as people bring them: Keras layers, weights that are random, some pruned.

`NETWORKS` has one function for each kind of architecture. Each draws its sizes from a Pick; what
operators the converter makes of it is the converter's. `drawn` is a graph
that nobody designed, `APPLICATIONS` are Keras' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.converted.convert import Function
from tests.converted.drawn import drawn
from tests.converted.pictures import PICTURES
from tests.converted.signals import SIGNALS
from tests.converted.weighted import application
from tests.nn.cases import Pick

NETWORKS: Mapping[str, Callable[[Any, Pick], Function]] = {
    **PICTURES,
    **SIGNALS,
    "drawn": drawn,
}

APPLICATIONS: Mapping[str, Callable[[Any, Pick], Function]] = {
    "MobileNet": lambda tf, pick: application(tf, pick, "MobileNet", alpha=0.25),
    "MobileNetV2": lambda tf, pick: application(tf, pick, "MobileNetV2", alpha=0.35),
    "MobileNetV3Small": lambda tf, pick: application(
        tf, pick, "MobileNetV3Small", alpha=0.75, minimalistic=pick.one_of((False, True))
    ),
    "EfficientNetB0": lambda tf, pick: application(tf, pick, "EfficientNetB0"),
    "NASNetMobile": lambda tf, pick: application(tf, pick, "NASNetMobile"),
}
