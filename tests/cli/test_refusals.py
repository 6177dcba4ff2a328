"""Wrong inputs: each one clear line, something to try, and the documented exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_deploy.cli.verbs import EXIT_CODES, VERBS
from edge_deploy.errors import Exit
from tests import model_builder
from tests.cli.conftest import Command, Ended

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(model_builder.tiny_conv())
    return path


@pytest.fixture
def no_usb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with no board plugged in, whatever this one has."""
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda *_args, **_words: [])


def refused(ended: Ended, code: Exit, *words: str) -> None:
    """One `Error:` line that has all `words`, and the exit code."""
    lines = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, ended.err
    assert ended.code == code, ended.err
    for word in words:
        assert word in lines[0]


def test_no_board_leads_to_the_virtual_one(command: Command, model: Path, no_usb: None) -> None:
    ended = command("flash", "--board", "nano33", model)
    refused(ended, Exit.NO_BOARD, "nano33")
    assert f"edge-deploy flash --board nano33 {model} --on virtual" in ended.err


def test_an_unknown_board_is_told_with_the_nearest(command: Command, model: Path) -> None:
    refused(command("flash", "--board", "nano34", model), Exit.USAGE, "nano34", "nano33")


def test_no_board_named(command: Command, model: Path) -> None:
    refused(command("bench", model), Exit.USAGE, "--board")


def test_a_missing_file(command: Command, tmp_path: Path) -> None:
    refused(command("inspect", tmp_path / "no.tflite"), Exit.BAD_INPUT, "no.tflite")


def test_an_unknown_lab(command: Command) -> None:
    refused(command("inspect", "helo"), Exit.BAD_INPUT, "helo", "hello")


@pytest.mark.parametrize("kept", [0, 3, 100, 1000])
def test_a_truncated_model(command: Command, model: Path, kept: int) -> None:
    model.write_bytes(model.read_bytes()[:kept])
    refused(command("inspect", model), Exit.BAD_INPUT)


def test_a_text_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "notes.tflite"
    path.write_text("This is not a model, it is a note to myself.\n" * 20)
    refused(command("inspect", path), Exit.BAD_INPUT, "text")


def test_a_float_model(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "float.tflite"
    path.write_bytes(model_builder.float_model())
    ended = command("flash", "--board", "nano33", "--on", "virtual", path)
    refused(ended, Exit.UNSUPPORTED_MODEL, "float32")


def test_too_big_for_flash(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(model_builder.fully_connected(inputs=1000, outputs=1000))
    ended = command("flash", "--board", "nano33", "--on", "virtual", path)
    refused(ended, Exit.OVER_BUDGET, "flash", "885,700")


def test_too_big_for_ram(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "tall.tflite"
    path.write_bytes(model_builder.conv2d(height=300, width=300, channels=4, filters=4, kernel=3))
    ended = command("flash", "--board", "nano33", "--on", "virtual", path)
    refused(ended, Exit.OVER_BUDGET, "RAM", "220,232")


def test_what_does_not_fit_is_told_before_a_missing_board(
    command: Command, tmp_path: Path, no_usb: None
) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(model_builder.fully_connected(inputs=1000, outputs=1000))
    refused(command("flash", "--board", "nano33", path), Exit.OVER_BUDGET)


def test_inspect_tells_what_does_not_fit_in_its_json_too(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(model_builder.fully_connected(inputs=1000, outputs=1000))
    ended = command("inspect", "--board", "nano33", "--json", path)
    assert ended.code == Exit.OVER_BUDGET
    status = {row["resource"]: row["status"] for row in json.loads(ended.out)["fit"]}
    assert status == {"flash: weights": "over", "RAM: arena": "ok"}


def test_both_on_and_port(command: Command, model: Path) -> None:
    ended = command("bench", "--board", "nano33", "--on", "virtual", "-p", "/dev/null", model)
    refused(ended, Exit.USAGE, "--on", "-p")


@pytest.mark.parametrize("fault", ["drop", "drop=2", "unplug", "unplug@soon", "rain=0.5", "slow=0"])
def test_a_fault_that_is_none(command: Command, model: Path, fault: str) -> None:
    ended = command("bench", "--board", "nano33", "--on", "virtual", "--fault", fault, model)
    refused(ended, Exit.USAGE, fault.partition("=")[0].partition("@")[0])


def test_a_fault_of_a_real_board(command: Command, model: Path) -> None:
    ended = command("bench", "--board", "nano33", "--on", "local", "--fault", "drop=0.1", model)
    refused(ended, Exit.USAGE, "virtual")


def test_a_place_that_is_none(command: Command, model: Path) -> None:
    refused(command("bench", "--board", "nano33", "--on", "mars", model), Exit.USAGE, "mars")


def test_a_port_that_is_not_there(command: Command, model: Path) -> None:
    ended = command("run", "--board", "nano33", "-p", "/dev/ttyNOTHERE")
    refused(ended, Exit.NO_BOARD, "/dev/ttyNOTHERE")


def test_a_board_that_was_never_flashed(command: Command) -> None:
    ended = command("run", "--board", "nano33", "--on", "virtual")
    refused(ended, Exit.WRONG_BOARD, "flashed")
    assert "edge-deploy flash" in ended.err


def test_compile_into_a_file(command: Command, model: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ended = command("compile", "-o", tmp_path / "taken" / "below", model)
    refused(ended, Exit.FAILED, "taken")


def test_a_symbol_that_c_does_not_know(command: Command, model: Path) -> None:
    refused(command("carray", "--symbol", "my model", model), Exit.USAGE, "my model")


def test_a_verb_that_is_none(command: Command) -> None:
    refused(command("flsh"), Exit.USAGE, "flash")


def test_a_settings_file_that_is_damaged(
    command: Command, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))
    (tmp_path / "config.yaml").write_text("bord: nano33\n")
    refused(command("inspect", model), Exit.BAD_INPUT, "bord", "board")


def test_settings_are_defaults_below_environment_and_flags(
    command: Command, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))
    (tmp_path / "config.yaml").write_text("board: from_file\n")
    assert "'from_file'" in command("inspect", model).err
    monkeypatch.setenv("EDGE_DEPLOY_BOARD", "from_environment")
    assert "'from_environment'" in command("inspect", model).err
    assert "'from_flag'" in command("inspect", "--board", "from_flag", model).err


def test_an_internal_error_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("edge_deploy.boards.load_all", broken)
    ended = command("boards")
    refused(ended, Exit.FAILED, "internal error: RuntimeError: first line")
    assert "second line" not in ended.err


def test_ctrl_c_is_130(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_deploy.boards.load_all", interrupted)
    ended = command("boards")
    assert ended.code == Exit.INTERRUPTED
    assert ended.err.strip() == "Interrupted."


def test_the_page_has_every_exit_code_as_the_table_has_it() -> None:
    text = (DOCUMENTS / "architecture.md").read_text()
    section = text.partition("## Exit codes\n")[2].partition("\n## ")[0].replace("\n", " ")
    named = {int(code) for code in re.findall(r"(?:^|[ ;])(\d+) ", section)}
    assert named == {int(code) for code, _ in EXIT_CODES} == {int(code) for code in Exit}


def test_every_verb_has_its_command() -> None:
    import click

    from edge_deploy.cli.main import edge_deploy as root

    context = click.Context(root)
    for verb in VERBS:
        found = root.get_command(context, verb.name)
        assert found is not None
        assert found.name == verb.name
        assert found.help


def test_compile_refuses_what_does_not_fit_unless_forced(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(model_builder.fully_connected(inputs=1000, outputs=1000))
    folder = tmp_path / "c"
    words = ("compile", "--board", "nano33", "-o", folder, path)
    ended = command(*words)
    refused(ended, Exit.OVER_BUDGET, "wide", "nano33")
    assert f"edge-deploy compile --force {path}" in ended.err
    assert f"edge-deploy inspect {path}" in ended.err
    assert not folder.exists()
    assert command(*words, "--force").code == Exit.DONE
    assert (folder / "ed_model.c").is_file()


def test_a_picture_that_cannot_be_written(command: Command, model: Path, tmp_path: Path) -> None:
    refused(
        command("inspect", model, "--plot", tmp_path / "no" / "plan.svg"), Exit.FAILED, "plan.svg"
    )
    if Path("/dev/full").exists():
        refused(command("inspect", model, "--plot", "/dev/full"), Exit.FAILED, "No space left")
