"""`selftest` on virtual boards; on a board that only looks real it is in test_real_board.py."""

from edge_deploy.errors import Exit
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
