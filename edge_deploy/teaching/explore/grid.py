"""Knobs and their values -> the points to try, the telling ones first.

A short search takes the first of them: the lab's own network, the smallest, the largest, then one
knob moved at a time, each knob in turn, then the others in an order that the seed decides.
Knows nothing about what knobs do.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence

from edge_deploy.errors import UsageError
from edge_deploy.training.recipe import Knob, Knobs, Setting

# Of a knob with two values there are few, of five knobs with five values 3,125.
MOST = 100_000


def points(
    knobs: Sequence[Knob], values: Mapping[str, Sequence[Setting]], count: int, seed: int
) -> list[dict[str, Setting]]:
    """The first `count` points, each once. values: of knobs for which others than their own serve.

    A knob whose default is not among its values stands at the value in the middle instead.
    Raises UsageError where there are too many to draw from.
    """
    chosen = {knob.name: tuple(values.get(knob.name, knob.values)) for knob in knobs}
    total = math.prod(len(found) for found in chosen.values())
    if total > MOST:
        raise UsageError(
            f"the knobs have {total:,} points together; at most {MOST:,} can be drawn from.",
            try_next=["--knob NAME=VALUE,VALUE    fewer values of one knob"],
        )
    home = {
        knob.name: knob.default
        if knob.default in chosen[knob.name]
        else chosen[knob.name][len(chosen[knob.name]) // 2]
        for knob in knobs
    }
    seen: set[tuple[Setting, ...]] = set()
    found: list[dict[str, Setting]] = []
    for point in _in_turn(home, chosen, seed):
        place = tuple(point.values())
        if len(found) == count:
            break
        if place not in seen:
            seen.add(place)
            found.append(point)
    return found


def _in_turn(
    home: Knobs, values: Mapping[str, tuple[Setting, ...]], seed: int
) -> Iterator[dict[str, Setting]]:
    """Every point, some of them more than once."""
    yield dict(home)
    yield {name: found[0] for name, found in values.items()}
    yield {name: found[-1] for name, found in values.items()}
    moves = [[(name, value) for value in found] for name, found in values.items()]
    for turn in itertools.zip_longest(*moves):
        for move in turn:
            if move is not None:
                yield {**home, move[0]: move[1]}
    rest = list(itertools.product(*values.values()))
    random.Random(seed).shuffle(rest)  # noqa: S311, an order, not a secret
    for place in rest:
        yield dict(zip(values, place, strict=True))


def asked(words: Sequence[str], knobs: Sequence[Knob]) -> dict[str, tuple[Setting, ...]]:
    """What `NAME=VALUE,VALUE` words give, in the knob's own type. Raises UsageError."""
    known = {knob.name: knob for knob in knobs}
    found: dict[str, tuple[Setting, ...]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in known:
            raise UsageError(
                f"--knob {word!r} is not NAME=VALUE,VALUE with one of {', '.join(known)}."
            )
        kind = type(known[name].default)
        values = tuple(_value(part.strip(), kind, word) for part in text.split(","))
        found[name] = tuple(dict.fromkeys(values))
    return found


def _value(text: str, kind: type, word: str) -> Setting:
    try:
        value: Setting = kind(text)
    except ValueError:
        value = math.nan
    if text == "" or (isinstance(value, float) and not math.isfinite(value)):
        raise UsageError(f"--knob {word!r}: {text!r} is not of the knob's type, {kind.__name__}.")
    return value
