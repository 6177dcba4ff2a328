"""Programs end in time, with all that they started, and say why where they cannot start."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from edge_deploy import process
from edge_deploy.errors import Exit
from edge_deploy.process import ProcessMissing, ProcessTimeout

PYTHON = sys.executable

# Starts a child of its own, writes both process ids to a file, and sleeps.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
path = sys.argv[1]
open(path + ".new", "w").write(f"{os.getpid()} {child.pid}")
os.rename(path + ".new", path)
time.sleep(600)
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")


def python(code: str, *arguments: str) -> list[str]:
    return [PYTHON, "-c", code, *arguments]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has collected yet has ended as well.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def wait_until(condition, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.01)


def test_run_returns_what_was_written_and_the_return_code():
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('e'); exit(3)"
    completed = process.run(python(code), timeout_s=30, input=b"abc")
    assert (completed.stdout, completed.stderr, completed.returncode) == (b"ABC", b"e", 3)
    assert completed.argv[0] == PYTHON
    assert 0 < completed.seconds < 30


def test_without_input_standard_input_is_empty():
    completed = process.run(python("import sys; print(repr(sys.stdin.read()))"), timeout_s=30)
    assert completed.stdout.strip() == b"''"


def test_env_comes_on_top_of_our_own(monkeypatch, tmp_path):
    monkeypatch.setenv("ED_TEST_OURS", "1")
    code = "import os; print(os.environ['ED_TEST_OURS'], os.environ['ED_TEST_NEW'], os.getcwd())"
    completed = process.run(python(code), timeout_s=30, cwd=tmp_path, env={"ED_TEST_NEW": "2"})
    assert completed.stdout.decode().split() == ["1", "2", str(tmp_path.resolve())]


def test_no_shell_reads_the_arguments():
    code = "import sys; print(sys.argv[1])"
    completed = process.run(python(code, "$HOME; echo `id`"), timeout_s=30)
    assert completed.stdout.strip() == b"$HOME; echo `id`"


def test_a_large_output_does_not_block():
    code = "import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('y' * 3_000_000)"
    completed = process.run(python(code), timeout_s=60)
    assert (len(completed.stdout), len(completed.stderr)) == (3_000_000, 3_000_000)


def test_a_missing_program_is_named():
    with pytest.raises(ProcessMissing, match="no-such-program-here") as caught:
        process.run(["no-such-program-here"], timeout_s=1)
    assert caught.value.exit_code is Exit.BUILD_FAILED


@posix
def test_a_file_that_may_not_be_executed_is_named(tmp_path):
    path = tmp_path / "data"
    path.write_text("no program")
    with pytest.raises(ProcessMissing, match="data"):
        process.run([path], timeout_s=1)


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path):
    with pytest.raises(ProcessMissing, match="nowhere is not a folder"):
        process.run(python("pass"), timeout_s=1, cwd=tmp_path / "nowhere")


def test_a_time_out_tells_what_was_written_until_then():
    code = "import sys, time; print('begun', flush=True); time.sleep(600)"
    started = time.monotonic()
    with pytest.raises(ProcessTimeout, match="did not end within 2 s") as caught:
        process.run(python(code), timeout_s=2)
    assert caught.value.stdout.strip() == b"begun"
    assert time.monotonic() - started < 20


@posix
def test_a_time_out_kills_the_children_too(tmp_path):
    pids = tmp_path / "pids"
    with pytest.raises(ProcessTimeout):
        process.run(python(PARENT, str(pids)), timeout_s=3)
    parent, child = map(int, pids.read_text().split())
    wait_until(lambda: not is_alive(parent))
    wait_until(lambda: not is_alive(child))


@posix
def test_an_interrupt_kills_the_whole_group(tmp_path):
    pids = tmp_path / "pids"

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 3)
        with pytest.raises(KeyboardInterrupt):
            process.run(python(PARENT, str(pids)), timeout_s=60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not is_alive(pid))


def test_spawn_gives_unbuffered_pipes_both_ways():
    code = "import os\nwhile (byte := os.read(0, 1)):\n    os.write(1, byte * 2)\n"
    with process.spawn(python(code)) as child:
        for byte in (b"a", b"\x00", b"%"):
            child.stdin.write(byte)
            answer = b""
            while len(answer) < 2:
                part = child.stdout.read(2 - len(answer))
                assert part, child.errors()
                answer += part
            assert answer == byte * 2
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(10) == 0
    assert child.poll() == 0


def test_a_childs_errors_can_be_read_while_it_runs_and_after():
    code = "import sys, time; sys.stderr.write('first '); sys.stderr.flush(); time.sleep(600)"
    with process.spawn(python(code)) as child:
        if hasattr(os, "pread"):
            wait_until(lambda: child.errors() == b"first ")
    assert child.errors() == b""


def test_only_the_end_of_long_errors_is_kept():
    with process.spawn(python("import sys; sys.stderr.write('x' * 200_000 + 'END')")) as child:
        child.wait(10)
        errors = child.errors()
    assert len(errors) == 65_536
    assert errors.endswith(b"xEND")


def test_lines_come_one_by_one_progress_bars_too():
    code = "import sys; sys.stdout.write('one\\r\\n 10 %\\r 20 %\\r\\n\\ncaf\\xe9\\xff end')"
    with process.spawn(python(code), env={"PYTHONUTF8": "1"}) as child:
        assert list(child.lines(60)) == ["one", " 10 %", " 20 %", "caf\xe9\xff end"]
        assert child.wait(60) == 0


def test_lines_that_do_not_end_are_given_up():
    code = "import time; print('begun', flush=True); time.sleep(3600)"
    found = []
    with process.spawn(python(code)) as child:
        with pytest.raises(process.ProcessTimeout, match="did not end within"):
            found.extend(child.lines(0.5))
        assert child.wait(60) != 0


def test_waiting_in_vain_kills_nothing():
    with process.spawn(python("import sys; sys.stdin.read()")) as child:
        with pytest.raises(ProcessTimeout):
            child.wait(0.2)
        assert child.poll() is None


@posix
def test_terminate_ends_a_program_that_will_not_be_asked(tmp_path):
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\n"
        "time.sleep(600)\n"
    )
    child = process.spawn(python(code))
    assert child.stdout.readline() == b"deaf\n"
    assert child.terminate() == -signal.SIGKILL
    assert child.terminate() == -signal.SIGKILL  # once more does no harm


@posix
def test_terminate_ends_grandchildren(tmp_path):
    pids = tmp_path / "pids"
    child = process.spawn(python(PARENT, str(pids)))
    wait_until(pids.exists)
    child.terminate()
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not is_alive(pid))


@posix
def test_children_do_not_outlive_python(tmp_path):
    pids = tmp_path / "pids"
    code = (
        "import sys, time, pathlib\n"
        "from edge_deploy import process\n"
        f"child = process.spawn([sys.executable, '-c', {PARENT!r}, sys.argv[1]])\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\n"
    )
    process.run(python(code, str(pids)), timeout_s=60)
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not is_alive(pid))


def test_a_program_that_cannot_start_leaves_no_child():
    with pytest.raises(ProcessMissing):
        process.spawn(["no-such-program-here"])
