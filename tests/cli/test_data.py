"""`data`: what is there, where from and under which licence; got, resumed, checked, refused."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_deploy import catalogue, places
from edge_deploy.errors import Exit
from tests import published
from tests.cli.conftest import Command
from tests.cli.test_refusals import refused
from tests.published import FILE, NAME
from tests.web_server import Site, Turn, serving


@pytest.fixture
def site(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server whose data set is the only one of the catalogue. No test waits before it retries."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(Site(published.archive())) as served:
        facts = {"sha256": served.sha256, "size": len(served.content)}
        path = published.catalogue(tmp_path / "data.yaml", served.url, **facts)
        monkeypatch.setattr(catalogue, "PATH", path)
        yield served


def test_the_list_says_licence_source_and_size(command: Command) -> None:
    ended = command("data")
    assert ended.code == Exit.DONE
    for word in (
        "speech_commands",
        "CC BY 4.0",
        "2,428.9",
        "github.com/ardamavi",
        "author's leave",
    ):
        assert word in ended.out
    document = json.loads(command("data", "--json").out)
    sets = {each["name"]: each for each in document["data_sets"]}
    assert list(sets) == list(catalogue.load_all())
    assert all(each["found"] is None for each in sets.values())
    assert sets["speech_commands"]["sha256"].startswith("cc2a00c1")
    assert sets["ceiling_fan_vibration"]["content"]["files"] == 4674


def test_one_is_shown_with_its_licence(command: Command) -> None:
    ended = command("data", "sign_language_digits")
    assert ended.code == Exit.DONE
    for word in ("Apache-2.0", "split by ranges", "2,062 *.JPG", "not stated", "commit 4b09433e"):
        assert word in ended.out
    # An address that is cut off could not be copied.
    assert catalogue.load("sign_language_digits").url in ended.out
    document = json.loads(command("data", "sign_language_digits", "--json").out)
    assert document["schema_version"] == 1
    assert document["names"][:2] == ["sign_language_digits/", "sign_language_digits.tar.xz"]
    assert json.loads(command("data", "--json", "sign_language_digits").out) == document


def test_get_then_check(command: Command, site: Site, tmp_path: Path) -> None:
    ended = command("data", "get", NAME, "--data-dir", tmp_path / "d")
    assert ended.code == Exit.DONE, ended.err
    assert str(tmp_path / "d" / NAME) in ended.out
    assert "CC0. Nothing is asked." in ended.out
    # Into a pipe: no bar, no control characters.
    assert ended.err == f"Unpacking {FILE}.\n"
    got = json.loads(command("data", "get", NAME, "--data-dir", tmp_path / "d", "--json").out)
    assert got["data_sets"][0]["path"] == str(tmp_path / "d" / NAME)
    assert len(site.asked) == 1
    listed = json.loads(command("data", "--data-dir", tmp_path / "d", "--json").out)
    assert listed["data_sets"][0]["found"]["kind"] == "folder"
    ended = command("data", "check", NAME, "--data-dir", tmp_path / "d")
    assert ended.code == Exit.DONE
    assert "2 recordings, as stated by its makers" in ended.out
    (tmp_path / "d" / NAME / "low" / "b.wav").unlink()
    ended = command("data", "check", NAME, "--data-dir", tmp_path / "d", "--json")
    refused(ended, Exit.BAD_INPUT, "1 recordings", "its makers has 2")


def test_where_it_goes_and_is_looked_for(
    command: Command, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("data", "get", NAME).code == Exit.DONE
    assert (places.cache() / "recordings" / NAME / "high" / "a.wav").is_file()
    monkeypatch.setenv("EDGE_DEPLOY_DATA", str(tmp_path / "named"))
    # Of all folders the first that has it.
    found = json.loads(command("data", NAME, "--json").out)["found"]
    assert found["path"] == str(places.cache() / "recordings" / NAME)
    assert command("data", "get", NAME).code == Exit.DONE
    found = json.loads(command("data", NAME, "--json").out)["found"]
    assert found["path"] == str(tmp_path / "named" / NAME)


def test_an_archive_brought_on_a_stick_needs_no_network(
    command: Command, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / FILE).write_bytes(site.content)
    site.turns.append(Turn(404))
    ended = command("data", "check", NAME, "--data", tmp_path / "d")
    assert "the archive, as stated by its makers" in ended.out
    assert command("data", "get", NAME, "--data", tmp_path / "d").code == Exit.DONE
    assert site.asked == []


@pytest.mark.parametrize(
    ("turns", "code", "words"),
    [
        ([Turn(404)], Exit.FAILED, "the server answers 404"),
        ([Turn(403)], Exit.ACCESS_DENIED, "the server answers 403"),
        ([Turn(401)], Exit.ACCESS_DENIED, "the server answers 401"),
        ([Turn(500)], Exit.FAILED, "the server answers 500"),
        ([Turn(cut=100)], Exit.LINK_LOST, "the connection ended after 100 of"),
        ([Turn(silent=100)], Exit.LINK_LOST, "silent for 0.1 s"),
        ([Turn(302, location="file:///etc/passwd")], Exit.FAILED, "sends us on to nowhere"),
    ],
)
def test_what_servers_do_has_its_exit_code(
    command: Command, site: Site, tmp_path: Path, turns: list[Turn], code: Exit, words: str
) -> None:
    site.turns += turns
    timeout = "0.1" if turns[0].silent else "30"
    ended = command(
        "data", "get", NAME, "--data-dir", tmp_path / "d", "--tries", "1", "--timeout", timeout
    )
    refused(ended, code, words)
    assert "Things to try:" in ended.err


def test_a_wrong_checksum_is_told(command: Command, site: Site, tmp_path: Path) -> None:
    site.content = site.content[:-1] + bytes([site.content[-1] ^ 1])
    ended = command("data", "get", NAME, "--data-dir", tmp_path / "d")
    refused(ended, Exit.BAD_INPUT, FILE, "checksum (sha256)")
    assert not (tmp_path / "d" / NAME).exists()


def test_ctrl_c_is_130_and_the_same_command_goes_on(
    command: Command, site: Site, tmp_path: Path
) -> None:
    part = tmp_path / "d" / ".downloads" / f"{FILE}.part"

    def interrupt() -> None:
        while not part.is_file() or part.stat().st_size < 100_000:
            threading.Event().wait(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    site.turns.append(Turn(silent=100_000, after=interrupt))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = command("data", "get", NAME, "--data-dir", tmp_path / "d")
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.code == Exit.INTERRUPTED
    assert "the same command goes on from there" in ended.err
    assert f"here: {part}, 100,000 B" in command("data", "--data-dir", tmp_path / "d").out
    ended = command("data", "get", NAME, "--data-dir", tmp_path / "d")
    assert ended.code == Exit.DONE
    assert "Going on from 100,000 B." in ended.err
    assert site.sent == len(site.content)


def test_a_bar_for_whoever_watches(
    command: Command, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_deploy.cli.output.is_terminal", lambda _stream: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    ended = command("data", "get", NAME, "--data-dir", tmp_path / "d")
    assert ended.code == Exit.DONE
    assert NAME in ended.err
    assert ended.err != f"Unpacking {FILE}.\n"


@pytest.mark.parametrize("words", [("get",), ("check",), ()])
def test_unknown_names(command: Command, words: tuple[str, ...]) -> None:
    ended = command("data", *words, "speech_comands")
    refused(ended, Exit.BAD_INPUT, "speech_comands", "Did you mean speech_commands?")
    ended = command("data", *words, "kws")
    refused(ended, Exit.BAD_INPUT, "kws is a lab")
    assert "edge-deploy data get speech_commands speech_commands_background_noise" in ended.err


def test_check_of_what_is_not_there(command: Command, tmp_path: Path) -> None:
    ended = command("data", "check", "magic_wand_k66f", "--data-dir", tmp_path)
    refused(ended, Exit.BAD_INPUT, "magic_wand_k66f is not in", str(tmp_path))
    assert "edge-deploy data get magic_wand_k66f" in ended.err


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that refuses"
)
def test_a_folder_that_cannot_be_written(command: Command, site: Site, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused(
        command("data", "get", NAME, "--data-dir", tmp_path / "d"), Exit.FAILED, "cannot be written"
    )


def test_a_file_where_the_folder_should_be(command: Command, site: Site, tmp_path: Path) -> None:
    (tmp_path / "d").write_text("a file")
    ended = command("data", "get", NAME, "--data-dir", tmp_path / "d" / "below")
    refused(ended, Exit.FAILED, "cannot be written")


def test_verbs_without_recordings_say_how_to_get_them(command: Command, tmp_path: Path) -> None:
    words = ("evaluate", "kws", "--board", "nano33", "--on", "local")
    ended = command(*words, "--data", tmp_path)
    refused(ended, Exit.BAD_INPUT, "neither a folder speech_commands")
    assert f"edge-deploy data get speech_commands --data-dir {tmp_path}" in ended.err
    ended = command(*words)
    refused(ended, Exit.BAD_INPUT, "no recordings named")
    assert "edge-deploy data get speech_commands speech_commands_background_noise" in ended.err
    # What `get` has put into the cache is found without a word.
    (places.cache() / "recordings").mkdir(parents=True)
    refused(command(*words), Exit.BAD_INPUT, "neither a folder speech_commands", "recordings")
