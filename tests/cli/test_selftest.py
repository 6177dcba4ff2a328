"""`selftest` on virtual boards; on a board that only looks real it is in test_real_board.py."""

import numpy as np
import pytest

from edge_deploy import labs
from edge_deploy.bench import asked
from edge_deploy.bench.asked import Noticed
from edge_deploy.bench.selftest import Verdict
from edge_deploy.cli import selftest
from edge_deploy.errors import Exit
from edge_deploy.telemetry.raw import RawSamples
from tests.cli.test_spine import document, typed

NANO33 = ("--board", "nano33", "--on", "virtual")


def verdicts(found):
    return {each["check"]: each["verdict"] for each in found["checks"]}


def test_a_virtual_board(capfd):
    assert verdicts(document(capfd, "selftest", *NANO33, "--mic", "noise:-30")) == {
        "memory": "pass",
        "cycle_counter": "pass",
        "led": "absent",
        "microphone": "pass",
        "imu": "pass",
        "camera": "untested",  # nothing was held before it
    }
    # Where nothing is played nothing is learned.
    assert verdicts(document(capfd, "selftest", *NANO33))["microphone"] == "untested"


def test_what_fails_is_said_with_what_to_do(capfd):
    code, out, err = typed(capfd, "selftest", *NANO33, "--mic", "silence")
    assert code == Exit.FAILED
    assert "silent" in out
    assert "microphone of nano33 (virtual) failed." in err
    assert "microphone: speak louder" in err


def test_what_it_cannot_look_at(capfd):
    code, _, err = typed(capfd, "selftest", "--board", "nano33", "--on", "port:/dev/null")
    assert code == Exit.USAGE
    assert "leave -p away" in err
    code, _, err = typed(capfd, "selftest", "--board", "nano33")
    assert code == Exit.NO_BOARD
    assert "--on virtual" in err
    assert "--on port:" not in err


class Hearing:
    """A session with a board that hears noise, and says whether it was let go."""

    let_go = False

    def raw(self):
        noise = np.random.default_rng(2).integers(-900, 900, 64_000, np.int16)
        try:
            for first in range(0, len(noise), 320):
                yield RawSamples(noise[first : first + 320], first)
        finally:
            self.let_go = True


@pytest.mark.parametrize(
    ("done", "verdict", "noticed", "words"),
    [
        (True, Verdict.FAIL, False, "no clap was heard"),
        (False, Verdict.PASS, None, "; not tried: clap once"),
    ],
)
def test_a_person_who_did_nothing_is_no_fault_of_the_board(
    capfd, monkeypatch, done, verdict, noticed, words
):
    monkeypatch.setattr(
        asked, "watch", lambda source, pieces, ask: Noticed(False, "no clap was heard", "closer")
    )
    monkeypatch.setattr("click.confirm", lambda text, err: done)
    session = Hearing()
    found = selftest._sensor(session, labs.load("kws").source, "clap once", True)
    assert (found.verdict, found.noticed) == (verdict, noticed)
    assert words in found.found
    assert session.let_go
    assert capfd.readouterr().err == "microphone: no clap was heard.\n"


def test_nobody_is_asked_where_nobody_is(capfd):
    found = selftest._sensor(Hearing(), labs.load("kws").source, "clap once", False)
    assert (found.verdict, found.noticed) == (Verdict.PASS, None)
    assert found.found.endswith("; not tried: clap once")
    assert capfd.readouterr().err == ""
