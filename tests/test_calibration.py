"""The user's calibration.json: read, written, refused; and boards that run by it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import boards, calibration
from edge_deploy.bench import origins
from edge_deploy.build import config
from edge_deploy.calibration import Calibration
from edge_deploy.errors import BadInput, Exit
from edge_deploy.sensing import SourceSettings

FOUND = Calibration("0123abcd", "nano33", "2026-11-26T12:00:00Z", 63_500_000, 3)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))


def test_nothing_is_known_at_first():
    assert calibration.load_all() == {}
    board = boards.load("nano33")
    assert board.calibration is None
    assert (board.modelled_clock_hz, board.modelled_wait_states) == (64_000_000, 2)


def test_what_is_saved_is_what_virtual_boards_run_by():
    calibration.save(FOUND)
    board = boards.load("nano33")
    assert board.calibration == FOUND
    assert (board.modelled_clock_hz, board.modelled_wait_states) == (63_500_000, 3)
    assert (board.clock_hz, board.flash_wait_states) == (64_000_000, 2)  # facts of the kind
    shown = {fact.name: fact for fact in board.facts()}
    assert shown["modelled_wait_states"].source == "calibration 0123abcd, measured " + (
        FOUND.measured_at
    )
    assert board.as_json()["calibration"]["id"] == "0123abcd"
    assert boards.load("xiao_esp32s3").calibration is None


def test_the_firmware_and_its_figures_say_so():
    calibration.save(FOUND)
    board = boards.load("nano33")
    text = config.emit(board, "virtual_m4", (), SourceSettings())
    assert '#define ED_APP_VARIANT "virtual+calibrated:0123abcd"' in text
    assert "#define ED_APP_CLOCK_HZ 63500000u" in text
    # The real board has its own clock, and measures.
    assert "#define ED_APP_CLOCK_HZ 64000000u" in config.emit(
        board, "arduino", (), SourceSettings()
    )

    class Said:
        port, variant = "virtual_m4", "virtual+calibrated:0123abcd"

    known = origins.of(Said())
    assert known.latency == "modelled:cortex_m4+calibrated:0123abcd"
    assert known.cycles == "modelled:cortex_m4"
    assert known.energy.endswith("+calibrated:0123abcd")


def test_one_board_after_another_and_back():
    calibration.save(FOUND)
    later = Calibration("ffffffff", "nano33", "2026-11-27T12:00:00Z", 64_000_000, 1)
    calibration.save(later)
    assert calibration.load_all() == {"nano33": later}
    assert calibration.forget("nano33")
    assert not calibration.forget("nano33")
    assert boards.load("nano33").calibration is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"schema_version": 2, "boards": []}',
        '{"schema_version": 1, "boards": [{}]}',
        json.dumps({"schema_version": 1, "boards": [{**FOUND.__dict__, "id": "../x"}]}),
        json.dumps({"schema_version": 1, "boards": [{**FOUND.__dict__, "clock_hz": 0}]}),
        json.dumps({"schema_version": 1, "boards": [{**FOUND.__dict__, "flash_wait_states": -1}]}),
    ],
)
def test_a_damaged_file_is_one_line(text):
    calibration.path().write_text(text)
    with pytest.raises(BadInput, match="is damaged, or of another version") as caught:
        boards.load("nano33")
    assert caught.value.exit_code is Exit.BAD_INPUT


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_in_one_line(data):
    calibration.path().parent.mkdir(parents=True, exist_ok=True)
    calibration.path().write_bytes(data)
    with pytest.raises(BadInput) as caught:
        calibration.load_all()
    assert "\n" not in caught.value.message
