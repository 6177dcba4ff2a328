"""`--target`: the ESP32-S3's kernels for who asks for them, and for no one else."""

from __future__ import annotations

import pytest

from edge_deploy.cli import edge_deploy
from edge_deploy.errors import Exit
from tests.cli.test_spine import document, typed

UNTRIED = "have not run on a board yet"
XIAO = ("--board", "xiao_esp32s3")
VECTORS = ("--target", "esp32s3")
VERBS = ("bench", "build", "compile", "flash", "profile", "verify")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))


def test_which_verbs_have_it():
    with edge_deploy.make_context("edge-deploy", ["labs"]) as root:
        verbs = {
            name: edge_deploy.get_command(root, name) for name in edge_deploy.list_commands(root)
        }
    found = [
        name
        for name, verb in verbs.items()
        if verb is not None and any("--target" in option.opts for option in verb.params)
    ]
    assert sorted(found) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_another_board_is_refused(verb, capfd):
    code, _, err = typed(capfd, verb, "hello", "--board", "nano33", *VECTORS)
    assert code == Exit.USAGE
    assert "--target esp32s3 is for an ESP32-S3; nano33 has an nRF52840." in err
    assert "--board xiao_esp32s3 --target esp32s3" in err
    assert UNTRIED not in err


def test_compile_wants_to_know_the_board(capfd, tmp_path):
    code, _, err = typed(capfd, "compile", "hello", *VECTORS, "-o", tmp_path)
    assert code == Exit.USAGE
    assert "give --board NAME" in err


@pytest.mark.parametrize("words", [VECTORS, ()], ids=["asked for", "by itself"])
def test_compile(words, capfd, tmp_path):
    code, out, err = typed(capfd, "compile", "kws", *XIAO, *words, "-o", tmp_path)
    assert code == Exit.DONE, err
    assert f"kws for {'esp32s3' if words else 'portable'}, " in out
    assert err.count(UNTRIED) == len(words[:1])
    assert ("nn/s3/" in (tmp_path / "ed_model.c").read_text()) == bool(words)


@pytest.mark.parametrize("on", ["local", "virtual"])
def test_the_firmware_on_this_computer_has_the_reference_s_bits(on, capfd):
    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    found = document(capfd, "verify", *XIAO, "--on", on, *VECTORS, "hello", "--inputs", "20")
    assert (found["compared"], found["mismatches"]) == (20, 0)
    code, out, err = typed(capfd, "bench", *XIAO, "--on", on, *VECTORS, "hello", "--runs", "2")
    assert code == Exit.DONE, err
    assert "/esp32s3, " in out
    assert err.count(UNTRIED) == 1
    code, out, err = typed(capfd, "bench", *XIAO, "--on", on, "hello", "--runs", "2")
    assert "/portable, " in out
    assert UNTRIED not in err


def test_an_exported_project_has_them_and_their_headers(capfd, tmp_path):
    folder = tmp_path / "project"
    code, _, err = typed(capfd, "build", *XIAO, *VECTORS, "kws", "--export", folder)
    assert code == Exit.DONE, err
    assert err.count(UNTRIED) == 1
    page = (folder / "README.md").read_text()
    assert "**no board has run them\nyet**" in page
    for root in (folder / "platformio" / "src", folder / "kws" / "src"):
        found = sorted(path.name for path in (root / "nn" / "s3").iterdir())
        wanted = ("conv", "depthwise", "dot", "fully_connected", "patch", "pie", "pie_model")
        assert found == [f"{name}.h" for name in wanted]


def test_another_engine_has_no_such_kernels(capfd, tmp_path):
    words = ("build", *XIAO, *VECTORS, "hello", "--export", tmp_path / "project")
    code, _, err = typed(capfd, *words, "--engine", "tflm")
    assert code == Exit.USAGE
    assert "not of --engine tflm" in err
    assert not (tmp_path / "project").exists()
