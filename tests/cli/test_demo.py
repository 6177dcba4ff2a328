"""`make demo`: a virtual board hears the words that were synthesised for it, live and again."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_deploy import audio, labs
from edge_deploy.cli.main import run
from edge_deploy.errors import Exit

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["yes", "no", "up", "left", "right", "on", "off", "go"]  # labs/kws/make_demo.py


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    if not labs.load("kws").model.is_file():
        pytest.skip("kws has no trained model yet")
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))
    monkeypatch.chdir(ROOT)


def demo_words() -> list[str]:
    """What the Makefile's target runs, without the program."""
    found = re.search(
        r"^demo: .*\n\t@\$\(BIN\)/edge-deploy (.*)$", Path("Makefile").read_text(), re.MULTILINE
    )
    assert found
    return shlex.split(found[1])


def typed(capfd, *words):
    capfd.readouterr()
    code = run([str(word) for word in words])
    out, err = capfd.readouterr()
    assert code == Exit.DONE, err
    return out, err


def test_the_demo_hears_its_words_and_no_other(capfd):
    out, err = typed(capfd, *demo_words())
    lines = [
        re.match(
            r" +([\d.]+) s  heard (\w+) +(0\.\d\d)  dsp [\d,]+  inference [\d,]+  post \d+ us  "
            r"[\d,]+ cycles  [\d.]+ uJ$",
            line,
        )
        for line in out.splitlines()
    ]
    assert [line and line[2] for line in lines] == WORDS
    # Each within the word or the second after it, in which it leaves the window.
    seconds = [float(line[1]) for line in lines]
    assert seconds == sorted(seconds)
    assert seconds[-1] < len(audio.read("labs/kws/demo.wav").samples) / audio.RATE_HZ + 1
    for word, line in zip(WORDS, lines, strict=True):
        assert re.search(rf"^ *{word} +[\d.]+ +{line[3]} *$", err, re.MULTILINE)
    assert re.search(r"\d+\.\d % of the core \(modelled:cortex_m4\)", err)
    assert "0 overruns, 0 samples lost, 0 records lost, 0 corrupt lines." in err
    again, _ = typed(capfd, "replay", "--plain")
    assert again == out


def test_the_second_demo_hears_its_first_word_soon(capfd):
    """Within 5 s on a quiet machine; the bound has room for a loaded one."""
    typed(capfd, "flash", *demo_words()[1:-1], "--no-run")
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *demo_words()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        first = demo.stdout.readline()
        seconds = time.monotonic() - began
        demo.terminate()
    assert "heard yes" in first
    assert seconds < 20


def test_a_pipe_gets_json_of_the_same(capfd):
    words = [word for word in demo_words() if word != "--plain"]
    out, _ = typed(capfd, *words)
    readings = [json.loads(line) for line in out.splitlines()]
    assert [reading["word"] for reading in readings if "word" in reading] == WORDS
    results = [reading for reading in readings if reading["kind"] == "inference"]
    assert [result["n"] for result in results] == list(range(len(results)))
    assert typed(capfd, "replay")[0] == out


def test_silence_and_noise_are_no_words(capfd):
    words = [word for word in demo_words() if word != "labs/kws/demo.wav"]
    for sound in ("silence", "noise:-40"):
        words[words.index("--mic") + 1 :] = [sound, "--count", "20", "--plain"]
        out, err = typed(capfd, *words)
        assert out == ""
        assert "No word was heard." in err


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX thing")
def test_a_terminal_of_80_by_24_shows_it_live_until_ctrl_c():
    import fcntl
    import pty
    import struct
    import termios

    words = [word for word in demo_words() if word != "--plain"]
    words[words.index("labs/kws/demo.wav")] = "silence"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"CI", "NO_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**environment, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
    ) as live:
        os.close(theirs)
        seen = b""
        deadline = time.monotonic() + 120
        try:
            while b"lost samples" not in seen and time.monotonic() < deadline:
                seen += os.read(ours, 4096)
            live.send_signal(signal.SIGINT)
            while True:
                try:
                    piece = os.read(ours, 4096)
                except OSError:  # Linux says so when the other end is closed
                    break
                if not piece:
                    break
                seen += piece
            err = live.stderr.read().decode()
            assert live.wait(timeout=60) == Exit.DONE, err
        finally:
            live.kill()
            os.close(ours)
    assert "No word was heard." in err
    assert "Recorded in" in err
    text = seen.decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    for label in labs.load("kws").labels:
        assert re.search(rf"^ *{label} ", plain, re.MULTILINE), label
    assert "uJ" in plain
    assert text.rstrip().endswith("\x1b[?25h")  # the cursor is back
