"""Every operation of a session on bad links and failing boards, over hundreds of seeds.

A right result or a right error, in bounded time; never a wrong value.
"""

import random
from contextlib import closing

import pytest

from edge_deploy.errors import Exit, LinkLost
from edge_deploy.telemetry.conversation import ATTEMPTS, DEFAULT_TIMEOUT_S
from edge_deploy.telemetry.failures import BoardRestarted, LinkSilent, LinkUnreliable
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_model import SHA256

# One operation may try ATTEMPTS times; each attempt may wait for a reply and for the board's
# attention, a time-out each; `begin` and a stream have two operations.
LONGEST_S = 2 * ATTEMPTS * 2 * DEFAULT_TIMEOUT_S


def work(board, link, seed):
    """A whole session; checks all that comes out of it. Returns the operations that were done."""
    done = []
    session = Session(link, clock=link.clock)
    rng = random.Random(seed)

    def timed(name, operation):
        began = link.clock()
        try:
            result = operation()
        finally:
            assert link.clock() - began <= LONGEST_S, name
        done.append(name)
        return result

    with session:
        hello = timed("begin", session.begin)
        assert (hello.sha256, hello.labels) == (SHA256, board.model.labels)
        for _ in range(3):
            data = rng.randbytes(board.model.input_bytes)
            timed("load", lambda data=data: session.load(data))
            result = timed("run", lambda: session.run(3, 1, layers=True))
            assert result.output == board.model.infer(data)
            assert [lap.run for lap in result.laps] == [0, 1, 2]
            for lap, layers in zip(result.laps, result.layers, strict=True):
                assert lap.us == board.run_us
                assert lap.counts.cycles == sum(layer.counts.cycles for layer in layers) == 3477
        streamed = timed("stream", lambda: list(session.stream(10)))
        numbers = [reading.n for reading in streamed if isinstance(reading, Inference)]
        assert numbers == sorted(set(numbers))
        assert set(numbers) <= set(range(10))
        for reading in streamed:
            if isinstance(reading, Inference):
                assert reading.input[0] == reading.n % 256
                assert reading.inference_us == board.run_us

        def open_end():
            with closing(session.stream()) as stream:
                for _ in range(5):
                    next(stream)

        timed("open stream", open_end)
        assert not board.streaming
        timed("reset", session.reset)
        assert timed("infer", lambda: session.infer(data)) == board.model.infer(data)
    return done, session.health


def outcome(faults, **options):
    """(operations done, health, the error that ended the session or None)."""
    board = FakeBoard(faults=faults, **options)
    link = FakeLink(board)
    try:
        done, health = work(board, link, faults.seed)
    except LinkLost as lost:
        return None, None, lost
    return done, health, None


def outcomes(seeds, make, **options):
    return [outcome(make(seed), **options) for seed in range(seeds)]


def finished(results):
    return sum(error is None for _, _, error in results)


@pytest.mark.parametrize("kind", ["drop", "garble", "double"])
def test_rare_damage_from_the_board_is_mended(kind):
    """One byte in 5,000: about every tenth reply is damaged, and nothing fails."""
    results = outcomes(60, lambda seed: Faults(seed=seed, **{kind: 0.0002}))
    assert finished(results) == 60
    assert sum(health.retries for _, health, _ in results) > 10


@pytest.mark.parametrize("kind", ["drop_in", "garble_in"])
def test_rare_damage_to_the_board_is_mended(kind):
    results = outcomes(60, lambda seed: Faults(seed=seed, **{kind: 0.0005}))
    assert finished(results) == 60
    assert sum(health.retries for _, health, _ in results) > 5


def test_a_link_that_holds_little_is_never_sent_more():
    """An input of 35 bytes in pieces of 16: what comes on top of them is lost."""
    for room in (1, 16, 34, 35, 36):
        done, health, error = outcome(Faults(), room=room)
        assert error is None
        assert done
        assert health.retries == 0


def test_damage_to_pieces_is_mended():
    results = outcomes(40, lambda seed: Faults(seed=seed, drop=0.0002, drop_in=0.0005), room=16)
    assert finished(results) == len(results)


def test_all_damage_at_once_is_mended_or_told():
    def make(seed):
        rate = random.Random(seed).choice((0.0001, 0.0003, 0.001, 0.003))
        return Faults(
            seed=seed, drop=rate, garble=rate, double=rate, drop_in=rate / 2, garble_in=rate / 2
        )

    results = outcomes(100, make)
    assert 30 < finished(results) < 100  # so that both ends were seen
    assert {type(error) for _, _, error in results if error} <= {
        LinkUnreliable,
        LinkSilent,
        BoardRestarted,
    }


def test_hopeless_damage_ends_as_unreliable_or_silent():
    results = outcomes(40, lambda seed: Faults(seed=seed, drop=0.03, garble=0.03))
    assert finished(results) == 0
    assert {type(error) for _, _, error in results} <= {LinkUnreliable, LinkSilent}


@pytest.mark.parametrize("kind", ["swap", "repeat"])
def test_swapped_and_repeated_records_never_give_a_wrong_result(kind):
    results = outcomes(40, lambda seed: Faults(seed=seed, **{kind: 0.02}))
    assert finished(results) > 30
    healths = [health for _, health, _ in results if health]
    if kind == "swap":
        assert sum(health.disordered_records for health in healths) > 10
    else:
        assert sum(health.repeated_records for health in healths) > 10


def session_bytes():
    board = FakeBoard()
    work(board, FakeLink(board), 0)
    return board.sent_total


def positions(count):
    rng = random.Random(5)
    end = session_bytes()
    return [rng.randrange(1, end) for _ in range(count)]


def test_board_that_hangs_anywhere():
    for seed, position in enumerate(positions(60)):
        _, _, error = outcome(Faults(seed=seed, silent_at=position))
        assert isinstance(error, LinkSilent), (position, error)


def test_link_that_is_cut_anywhere():
    for seed, position in enumerate(positions(60)):
        _, _, error = outcome(Faults(seed=seed, cut_at=position))
        assert error is not None
        assert "gone" in error.message, (position, error)


def test_board_that_restarts_anywhere():
    restarted = 0
    for seed, position in enumerate(positions(120)):
        done, _, error = outcome(Faults(seed=seed, reboot_at=position))
        if error is not None:
            assert isinstance(error, BoardRestarted), (position, error)
            assert error.reason in {"brownout", "unknown"}
            assert "restarted" in error.message
            restarted += 1
        else:  # it restarted while `begin` or `reset` waited for it anyway
            assert done[-1] == "infer"
    assert restarted > 90


def test_damage_and_restart_together():
    for seed, position in enumerate(positions(40)):
        outcome(Faults(seed=seed, reboot_at=position, garble=0.001, drop_in=0.0005))


def test_health_says_what_was_lost():
    board = FakeBoard(faults=Faults(seed=3))
    link = FakeLink(board)
    session = Session(link, clock=link.clock)
    session.begin()
    assert session.health.lost_records == 0
    with closing(session.stream()) as stream:
        next(stream)
        board.seq += 5
        while not session.health.lost_records:
            next(stream)
    assert session.health.lost_records == 5
    board.faults.garble = 0.01
    with pytest.raises(LinkLost) as caught:  # noqa: PT012  (which of them fails is chance)
        for _ in range(50):
            session.infer(bytes(35))
    assert caught.value.exit_code == Exit.LINK_LOST
    assert session.health.corrupt_lines > 0
    assert session.health.retries > 0
