"""Splits: nobody in two parts, or no session; every label in all parts; nobody moves later."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import recordings
from edge_deploy.errors import BadInput
from edge_deploy.recordings import NOBODY, Clip, TooFewGroups
from tests.recordings.made import session


def clip(label: str, speaker: str, at: int, number: int = 1) -> Clip:
    name = f"{speaker}_{session(at)}_{number:03d}.wav"
    return Clip(Path("d") / label / name, label, speaker, session(at), number)


def test_five_speakers_are_split_by_speaker() -> None:
    names = ["ada", "bob", "cyd", "dan", "eve"]
    # Each in two sessions; the order of the names is not that of the recordings.
    clips = [
        clip(label, name, at, number)
        for at, name in enumerate([*reversed(names), *names])
        for label in ("yes", "no")
        for number in (1, 2)
    ]
    parts = recordings.split(clips)
    who = {part: {each.speaker for each in some} for part, some in parts.items()}
    assert who == {"train": {"eve", "bob", "ada"}, "test": {"dan"}, "validation": {"cyd"}}
    assert sum(map(len, parts.values())) == len(clips)


def test_fewer_are_split_by_session() -> None:
    clips = [
        clip(label, "ada", 10 * turn + at, number)
        for turn, label in enumerate("ab")
        for at in range(3)
        for number in (1, 2, 3)
    ]
    parts = recordings.split(clips)
    assert {part: {each.session for each in some} for part, some in parts.items()} == {
        "train": {session(0), session(10)},
        "test": {session(1), session(11)},
        "validation": {session(2), session(12)},
    }


def test_where_nobody_is_recorded_sessions_count_even_beside_five_speakers() -> None:
    clips = [clip("yes", f"s{each}", each) for each in range(5)]
    clips += [clip("silence", NOBODY, 10 + at) for at in range(3)]
    parts = recordings.split(clips)
    assert all("silence" in {each.label for each in some} for some in parts.values())
    with pytest.raises(BadInput, match="label silence has recordings of 2 sessions"):
        recordings.split(clips[:-1])


@pytest.mark.parametrize(
    ("clips", "what"),
    [
        ([clip("yes", "ada", 0, n) for n in range(1, 9)], "label yes has recordings of 1 session;"),
        ([clip("yes", "ada", at) for at in range(2)], "of 2 sessions; training, validation and"),
        (
            [clip("yes", f"s{at}", at) for at in range(5)] + [clip("no", "s0", 9)],
            "label no has recordings of 1 speaker;",
        ),
    ],
)
def test_too_few_are_refused_never_split_by_clip(clips: list[Clip], what: str) -> None:
    with pytest.raises(TooFewGroups, match=what) as told:
        recordings.split(clips)
    assert told.value.try_next[0].startswith(f"record {told.value.label} again")


@given(
    st.lists(
        st.tuples(st.sampled_from(["yes", "no"]), st.integers(0, 8), st.integers(0, 30)),
        max_size=60,
    )
)
def test_nothing_that_belongs_together_is_taken_apart(
    drawn: list[tuple[str, int, int]],
) -> None:
    clips = [clip(label, f"s{who}", at, n) for n, (label, who, at) in enumerate(drawn, 1)]
    try:
        parts = recordings.split(clips)
    except BadInput:
        return
    by_speaker = recordings.by_speaker(clips)
    seen: dict[object, str] = {}
    for part, some in parts.items():
        assert {each.label for each in some} == {each.label for each in clips}
        for each in some:
            group = each.speaker if by_speaker else (each.speaker, each.session)
            assert seen.setdefault(group, part) == part
    assert sorted(c.path for some in parts.values() for c in some) == sorted(c.path for c in clips)


@given(st.integers(3, 12), st.integers(1, 12))
def test_whoever_records_later_moves_nobody(first: int, more: int) -> None:
    def split(count: int) -> dict[str, str]:
        clips = [
            clip(label, "ada", 2 * at + turn) for at in range(count) for turn, label in _LABELS
        ]
        return {
            each.session: part for part, some in recordings.split(clips).items() for each in some
        }

    before, after = split(first), split(first + more)
    assert before.items() <= after.items()


_LABELS = ((0, "yes"), (1, "no"))
