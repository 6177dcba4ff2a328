"""A little of each sweep (`sweep.py`), so that none of them rots."""

from __future__ import annotations

import random

import pytest

from tests import compiled_model
from tests.fuzz import comparing, reading
from tests.fuzz.seeds import SMALL_BYTES, seeds

MUTANTS = 60
COMPARED = 24


@pytest.fixture(scope="module")
def reference():
    compiled_model.require_exact_reference()
    child = comparing.ChildReference()
    yield child
    child.close()


def test_mutants_of_every_seed_are_read_or_refused():
    total = reading.Tally()
    for seed in seeds().values():
        total.add(reading.read(seed, range(MUTANTS)))
    assert total.failures == []
    assert total.outcomes["accepted"] > MUTANTS
    assert total.outcomes["BadModel"] > MUTANTS
    assert total.compiled > 0


def test_of_a_large_file_the_header_is_changed_or_the_weights_and_never_both():
    seed = seeds()["kws"]
    assert len(seed.data) > SMALL_BYTES
    assert len(seed.header) + len(seed.weights) == len(seed.data)
    for number in range(20):
        for changed, places in (
            (seed.damaged(number), seed.header),
            (seed.with_other_weights(number), seed.weights),
        ):
            assert len(changed) == len(seed.data)
            differing = {
                i for i, (a, b) in enumerate(zip(changed, seed.data, strict=True)) if a != b
            }
            assert differing <= set(places.tolist())


@pytest.mark.parametrize("kind", ["damaged", "with other weights"])
def test_accepted_ones_are_as_the_reference_has_them(kind, reference):
    chance = random.Random(kind)
    names = [name for name, seed in seeds().items() if len(seed.weights)]
    counts: dict[str, int] = {}
    while sum(counts.values()) < COMPARED:
        seed, number = seeds()[chance.choice(names)], chance.randrange(1 << 40)
        data = seed.damaged(number) if kind == "damaged" else seed.with_other_weights(number)
        if reading.outcome(data) != "accepted":
            continue
        ended = comparing.compare(data, reference)
        counts[ended] = counts.get(ended, 0) + 1
        assert not ended.startswith("DIFFERENT"), f"{kind} {number}: {ended}"
    assert counts["equal"] > COMPARED // 2


def test_a_reference_that_dies_is_told_and_begun_anew(reference):
    data = next(iter(seeds().values())).data
    inputs = compiled_model.random_inputs(compiled_model.compile_graph(data, "portable")[0], 1)
    assert not isinstance(reference.run(data, inputs), str)
    reference._process.kill()
    reference._process.join()
    assert reference.run(data, inputs) == "reference crashes"
    assert not isinstance(reference.run(data, inputs), str)
