"""Clips -> parts that share no person, or no session where too few persons were recorded.

Never by clip: clips of one sitting resemble each other so much that a model which knows one has
seen the others. Groups take their parts in the order in which they were first recorded, so that
whoever records more later moves nobody who was there before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from edge_deploy.errors import BadInput
from edge_deploy.recordings.layout import NOBODY, Clip

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")

# So many persons, and the parts are split by them; below, a test would be one person's voice.
LEAST_SPEAKERS = 5
# One group for each part.
LEAST_GROUPS = len(PARTS)

# The part of the first, second, ... group of a label, over and over: 60, 20 and 20 %.
_TURN = (TRAIN, TEST, VALIDATION, TRAIN, TRAIN)


class TooFewGroups(BadInput):
    """A label cannot be in all parts. again: how to record it once more."""

    def __init__(self, message: str, *, label: str, again: str) -> None:
        super().__init__(message, try_next=[f"record {label} again    {again}"])
        self.label = label
        self.again = again


def by_speaker(found: Iterable[Clip]) -> bool:
    """Whether there are enough persons to split by them."""
    return len({clip.speaker for clip in found} - {NOBODY}) >= LEAST_SPEAKERS


def split(found: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Every clip in one of PARTS, in the order given; every label in all three.

    With LEAST_SPEAKERS persons no person is in two parts, otherwise no session of a person is;
    where there is no person (NOBODY), no session is.
    Raises TooFewGroups where a label has too few, or misses a part.
    """
    clips = list(found)
    persons = by_speaker(clips)
    groups: dict[tuple[str, str], list[Clip]] = {}
    for clip in sorted(clips, key=lambda each: (each.session, each.speaker, each.label)):
        groups.setdefault(_group(clip, persons=persons), []).append(clip)
    parts = _parts(groups)
    split_up: dict[str, list[Clip]] = {part: [] for part in PARTS}
    for clip in clips:
        split_up[parts[_group(clip, persons=persons)]].append(clip)
    _check(split_up, groups, persons=persons)
    return split_up


def _group(clip: Clip, *, persons: bool) -> tuple[str, str]:
    """What stays together: a person, or one session."""
    whole = persons and clip.speaker != NOBODY
    return clip.speaker, "" if whole else clip.session


def _parts(groups: Mapping[tuple[str, str], list[Clip]]) -> dict[tuple[str, str], str]:
    """The part of every group: the next turn of the label that it has and fewest groups had."""
    turns: Counter[str] = Counter()
    parts = {}
    for group, members in groups.items():
        labels = sorted({clip.label for clip in members})
        rarest = min(labels, key=lambda label: turns[label])
        parts[group] = _TURN[turns[rarest] % len(_TURN)]
        turns.update(labels)
    return parts


def _check(
    split_up: Mapping[str, list[Clip]],
    groups: Mapping[tuple[str, str], list[Clip]],
    *,
    persons: bool,
) -> None:
    """Refuse a label that is not in every part."""
    for label in sorted({clip.label for members in groups.values() for clip in members}):
        having = [
            group
            for group, members in groups.items()
            if any(clip.label == label for clip in members)
        ]
        missing = [part for part, some in split_up.items() if label not in {c.label for c in some}]
        if not missing:
            continue
        what = "speaker" if persons and any(name != NOBODY for name, _ in having) else "session"
        if len(having) < LEAST_GROUPS:
            why = "training, validation and test need one each"
        else:
            why = f"none of them is in {' or '.join(missing)}"
        again = (
            "by another speaker"
            if what == "speaker"
            else "each run is a session: wait, move or change the room between them"
        )
        raise TooFewGroups(
            f"label {label} has recordings of {len(having)} {what}{'s' * (len(having) != 1)}; "
            f"{why} (what one {what} recorded stays together).",
            label=label,
            again=again,
        )
