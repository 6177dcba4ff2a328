"""What the removal of channels asks of a kind of layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.passes.channels.values import Values

L = TypeVar("L", bound=Layer)
# (channels,): True where a channel stays.
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Need:
    """Which channels of an input are needed to compute which of an output.

    input, output: positions. matrix: (output channels, input channels) True where one is.
    """

    input: int
    output: int
    matrix: NDArray[np.bool_]

    def spread(self, read: Mask, written: Mask) -> None:
        """Mark what is needed of the input for what is needed of the output."""
        read |= self.matrix[written].any(axis=0)


@dataclass(frozen=True)
class Tie:
    """Channels that only go together: sources[i] of an input and targets[i] of an output."""

    input: int
    output: int
    sources: NDArray[np.intp]
    targets: NDArray[np.intp]

    def spread(self, read: Mask, written: Mask) -> None:
        """Mark both where one is needed."""
        either = read[self.sources] | written[self.targets]
        read[self.sources[either]] = True
        written[self.targets[either]] = True


Link: TypeAlias = Need | Tie


class Rule(ABC, Generic[L]):
    """Channels of one kind of layer; inputs are described as their writers have them."""

    @abstractmethod
    def ranges(self, layer: L, inputs: Sequence[Values]) -> tuple[Values, ...] | None:
        """What is known of each output; None where nothing is."""

    @abstractmethod
    def links(self, layer: L, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """How inputs and outputs hang together; None where the layer must stay as it is.

        A channel that nothing needs and that is tied to none that is needed may be taken away.
        """

    @abstractmethod
    def keep(
        self, layer: L, inputs: Sequence[Values], read: Sequence[Mask], written: Sequence[Mask]
    ) -> L | None:
        """The layer without the channels that go, their constants folded.

        read, written: what stays of each input and output, of which it writes at least a part.
        None where nothing is left of that part.
        """
