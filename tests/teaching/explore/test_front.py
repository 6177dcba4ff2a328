"""Which points nobody beats, compared with the definition itself on drawn points."""

from __future__ import annotations

import random

from edge_deploy.teaching.explore.front import Place, front


def beaten(one, by):
    return by.cost <= one.cost and by.good >= one.good and by != one


def test_the_front_is_what_the_definition_says():
    draw = random.Random(3)
    for _ in range(300):
        places = [
            Place(draw.randrange(6), draw.randrange(6)) if draw.random() < 0.9 else None
            for _ in range(draw.randrange(12))
        ]
        found = front(places)
        known = [place for place in places if place is not None]
        expected = {
            number
            for number, place in enumerate(places)
            if place is not None and not any(beaten(place, other) for other in known)
        }
        assert set(found) == expected
        assert len(found) == len(expected)
        costs = [places[number].cost for number in found]
        assert costs == sorted(costs)


def test_no_points_have_no_front():
    assert front([]) == front([None]) == []
