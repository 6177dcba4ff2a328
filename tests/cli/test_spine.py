"""The whole way, as a user types it: compile, build, flash, run, verify, bench, profile.

On the virtual board and on this computer; one home for all, so that firmware is built once.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edge_deploy.cli.main import run
from edge_deploy.errors import Exit
from tests import model_builder
from tests.shared_models import mlperf_path

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")

VIRTUAL = ("--board", "nano33", "--on", "virtual")
LOCAL = ("--board", "nano33", "--on", "local")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.tflite"
    path.write_bytes(model_builder.tiny_conv())
    return path


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))


def typed(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(word) for word in words])
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def document(capfd: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    code, out, err = typed(capfd, *words, "--json")
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["schema_version"] == 1
    return found


def test_flash_streams_the_sine(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, err = typed(capfd, "flash", *VIRTUAL, "hello", "--count", "50", "--plain")
    assert code == Exit.DONE, err
    pairs = [(float(x), float(y)) for x, y in re.findall(r"x +([-+][\d.]+)  y +([-+][\d.]+)", out)]
    assert len(pairs) == 50
    assert max(y for _, y in pairs) > 0.9
    assert min(y for _, y in pairs) < -0.9
    assert all(abs(y) < 0.25 for x, y in pairs if abs(x - 3.1416) < 0.1)
    assert "50 inferences" in err
    assert "modelled:cortex_m4" in err
    recorded = Path(err.partition("Recorded in ")[2].strip())
    assert recorded.is_relative_to(home)
    kinds = [json.loads(line)["kind"] for line in recorded.read_text().splitlines()]
    assert kinds[0] == "header"
    assert kinds.count("inference") == 50


def test_run_streams_what_was_flashed(capfd: pytest.CaptureFixture[str]) -> None:
    assert typed(capfd, "flash", *VIRTUAL, "hello", "--no-run")[0] == Exit.DONE
    code, out, err = typed(capfd, "run", *VIRTUAL, "--count", "5", "--json")
    assert code == Exit.DONE, err
    readings = [json.loads(line) for line in out.splitlines()]
    assert [r["n"] for r in readings if r["kind"] == "inference"] == list(range(5))
    assert all(r["schema_version"] == 1 for r in readings)


@pytest.mark.parametrize("where", [VIRTUAL, LOCAL], ids=["virtual", "local"])
def test_verify_finds_no_difference(
    capfd: pytest.CaptureFixture[str], tiny: Path, where: tuple[str, ...]
) -> None:
    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    found = document(capfd, "verify", tiny, *where, "--inputs", "20")
    assert found["mismatches"] == 0
    assert found["compared"] == 20 * 4
    assert found["distinct_outputs"] > 10
    assert found["reference"].endswith("BUILTIN_REF")
    assert found["on"] == where[-1]


@pytest.mark.parametrize(
    ("name", "where", "inputs", "compared"),
    [
        ("kws", VIRTUAL, 200, 2400),
        ("kws", LOCAL, 200, 2400),
        ("ic", VIRTUAL, 20, 200),
        ("ic", LOCAL, 20, 200),
    ],
)
def test_verify_mlperf(
    capfd: pytest.CaptureFixture[str], name: str, where: tuple[str, ...], inputs: int, compared: int
) -> None:
    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    found = document(capfd, "verify", mlperf_path(name), *where, "--inputs", str(inputs))
    assert (found["inputs"], found["compared"]) == (inputs, compared)
    assert found["mismatches"] == 0
    assert "tflite-runtime 2.14" in found["reference"]


def test_bench_has_every_figure_with_its_origin(
    capfd: pytest.CaptureFixture[str], tiny: Path
) -> None:
    found = document(capfd, "bench", tiny, *VIRTUAL, "--runs", "5")
    assert (found["board"], found["on"], found["runs"]) == ("nano33", "virtual", 5)
    for key in (
        "cycles",
        "cycles_board",
        "instructions",
        "arena_bytes",
        "stack_bytes",
        "ram_bytes",
        "code_bytes",
        "model_code_bytes",
        "weights_bytes",
        "energy_uj",
    ):
        assert set(found[key]) == {"value", "unit", "origin"}, key
        assert found[key]["value"] > 0, key
        assert re.match(r"(measured|modelled|computed):\w", found[key]["origin"]), key
    assert found["cycles_board"]["value"] > found["cycles"]["value"]
    latency = found["latency_us"]["inference"]
    assert set(latency) >= {"min", "p50", "p90", "p99", "max", "cv", "origin"}
    # A virtual board's time is its cycles over its clock, in whole microseconds.
    assert abs(latency["p50"] - found["cycles_board"]["value"] / 64) <= 1


def test_profile_sums_to_the_whole(capfd: pytest.CaptureFixture[str], tiny: Path) -> None:
    found = document(capfd, "profile", tiny, *VIRTUAL, "--runs", "3")
    for key in ("cycles", "cycles_board", "instructions"):
        whole = found[key]["value"]
        assert sum(layer[key]["value"] for layer in found["layers"]) == whole
    assert [layer["operator"] for layer in found["layers"]][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]


def test_the_same_bench_gives_the_same_cycles(
    capfd: pytest.CaptureFixture[str], tiny: Path
) -> None:
    first, second = (document(capfd, "bench", tiny, *VIRTUAL, "--runs", "3") for _ in range(2))
    for key in ("cycles", "cycles_board", "instructions"):
        assert first[key] == second[key]
    # The meter counts whole nanojoules since boot, so a difference may be one more or less.
    energies = [each["energy_uj"]["value"] for each in (first, second)]
    assert abs(energies[0] - energies[1]) < 0.0011


def test_local_invents_no_cycles(capfd: pytest.CaptureFixture[str], tiny: Path) -> None:
    found = document(capfd, "bench", tiny, *LOCAL, "--runs", "3")
    assert not {"cycles", "cycles_board", "instructions", "energy_uj"} & set(found)
    assert found["latency_us"]["inference"]["origin"] == "measured:host_clock"


def test_another_model_takes_the_board(capfd: pytest.CaptureFixture[str], tiny: Path) -> None:
    for model in (tiny, "hello", tiny):
        code, _, err = typed(capfd, "flash", *VIRTUAL, model, "--no-run")
        assert code == Exit.DONE, err


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("drop=0.002", {Exit.DONE, Exit.LINK_LOST}),
        ("garble=0.002", {Exit.DONE, Exit.LINK_LOST}),
        ("drop=0.5", {Exit.LINK_LOST, Exit.WRONG_BOARD}),
        ("unplug@0.3s", {Exit.LINK_LOST}),
        ("brownout@0.3s", {Exit.LINK_LOST}),
        ("hang@0.3s", {Exit.LINK_LOST}),
        ("slow=4", {Exit.DONE}),
        ("wrong-firmware", {Exit.WRONG_BOARD}),
    ],
)
def test_every_fault_ends_with_its_code(
    capfd: pytest.CaptureFixture[str], tiny: Path, fault: str, codes: set[Exit]
) -> None:
    started = time.monotonic()
    words = ("bench", tiny, *VIRTUAL, "--runs", "3000", "--timeout", "2", "--fault", fault)
    code, _, err = typed(capfd, *words)
    assert code in codes, err
    # Bounded: an endless wait is what this is about; the bound has room for a loaded machine.
    assert time.monotonic() - started < 120
    if code != Exit.DONE:
        assert err.startswith("Error: ") or "\nError: " in err


def test_slow_is_slower_in_time_and_not_in_cycles(
    capfd: pytest.CaptureFixture[str], tiny: Path
) -> None:
    plain = document(capfd, "bench", tiny, *VIRTUAL, "--runs", "3")
    slow = document(capfd, "bench", tiny, *VIRTUAL, "--runs", "3", "--fault", "slow=4")
    assert slow["cycles"] == plain["cycles"]
    ratio = slow["latency_us"]["inference"]["p50"] / plain["latency_us"]["inference"]["p50"]
    assert 3.9 < ratio < 4.1


def test_compile_gives_all_that_a_c_compiler_wants(
    capfd: pytest.CaptureFixture[str], tiny: Path, tmp_path: Path
) -> None:
    from edge_deploy import toolchains

    code, _, err = typed(capfd, "compile", tiny, "-o", tmp_path / "c")
    assert code == Exit.DONE, err
    host = toolchains.find("host")
    caller = tmp_path / "caller.c"
    caller.write_text(
        '#include "model/ed_model.h"\n'
        "int main(void) { ed_model_reset(); ed_model_invoke(0);"
        " return ed_model.arena_bytes == 0; }\n"
    )
    program = host.compile_and_link(
        [caller, tmp_path / "c" / "ed_model.c"], tmp_path / "program", include=[tmp_path / "c"]
    )
    assert subprocess.run([str(program)], check=False, timeout=60).returncode == 0


def test_inspect_has_the_memory_plan(
    capfd: pytest.CaptureFixture[str], tiny: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "plan.svg"
    found = document(capfd, "inspect", tiny, "--board", "nano33", "--plot", picture)
    plan = found["plan"]
    assert plan["arena_bytes"] == found["arena_bytes"]
    assert re.match(r"computed:\w", plan["origin"])
    layers = plan["layers"]
    assert [layer["name"] for layer in layers].count("CONV_2D") >= 1
    for buffer in plan["buffers"]:
        assert set(buffer) == {"name", "kind", "offset", "bytes", "first", "last"}
        assert buffer["offset"] + buffer["bytes"] <= plan["arena_bytes"]
        assert -1 <= buffer["first"] <= buffer["last"] <= len(layers)
    assert {buffer["kind"] for buffer in plan["buffers"]} >= {"input", "tensor", "output"}
    assert 0 < plan["peak"]["bytes"] <= plan["arena_bytes"]
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert f"arena {plan['arena_bytes']:,} B" in text


def test_carray_is_the_file(capfd: pytest.CaptureFixture[str], tiny: Path) -> None:
    code, out, _ = typed(capfd, "carray", tiny, "--symbol", "my_model")
    assert code == Exit.DONE
    assert bytes(int(word, 16) for word in re.findall(r"0x([0-9a-f]{2})", out)) == tiny.read_bytes()
    assert f"my_model_len = {tiny.stat().st_size}" in out


def test_build_holds_the_image_against_the_board(
    capfd: pytest.CaptureFixture[str], tiny: Path
) -> None:
    found = document(capfd, "build", tiny, "--board", "nano33", "--on", "virtual")
    status = {row["resource"]: row["status"] for row in found["fit"]}
    assert status == {"flash": "ok", "RAM": "ok"}
    manifest = found["manifest"]
    assert manifest["flash_bytes"] > manifest["weights_bytes"] > 0
    code, _, err = typed(capfd, "build", tiny, "--board", "nano33", "--on", "auto")
    assert code == Exit.USAGE, err


def test_a_virtual_board_by_hand_serves_any_program(
    capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    assert typed(capfd, "flash", *VIRTUAL, "hello", "--no-run")[0] == Exit.DONE
    board = subprocess.Popen(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", "virtual", "nano33"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert board.stdout is not None
        watchdog = threading.Timer(60, board.kill)
        watchdog.start()
        url = board.stdout.readline().strip()
        watchdog.cancel()
        assert url.startswith("socket://127.0.0.1:")
        code, out, err = typed(capfd, "run", "--board", "nano33", "-p", url, "--count", "3")
        assert code == Exit.DONE, err
        assert len(out.splitlines()) == 3
        # Nobody has to say which board is behind a port.
        code, out, err = typed(capfd, "monitor", "-p", url, "--count", "4", "--plain")
        assert code == Exit.DONE, err
        assert len(out.splitlines()) == 4
        assert "hello on nano33" in err
        words = ("monitor", "-p", url, "--raw", "--send", "hello%", "--count", "4")
        code, out, err = typed(capfd, *words)
        assert code == Exit.DONE, err
        assert re.match(r"ed-hello seq=\d+ protocol=1 .*\*[0-9a-f]{8}$", out.splitlines()[0])
        assert out.splitlines()[-1] == "m-ready"
        # It is held: a second program is told by whom.
        code, _, err = typed(capfd, "run", *VIRTUAL, "--count", "1")
        assert code == Exit.BOARD_BUSY, err
        assert str(board.pid) in err
    finally:
        board.terminate()
        board.communicate(timeout=30)


def test_ctrl_c_ends_a_stream_with_its_summary(home: Path) -> None:
    import signal

    if sys.platform == "win32":
        pytest.skip("a console's Ctrl-C cannot be sent to one process there")
    words = ("flash", *VIRTUAL, "hello", "--speed", "real")
    stream = subprocess.Popen(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert stream.stdout is not None
        for _ in range(5):
            assert stream.stdout.readline()
        stream.send_signal(signal.SIGINT)
        _, err = stream.communicate(timeout=60)
    finally:
        stream.kill()
    assert stream.returncode == Exit.DONE, err
    assert "Recorded in" in err
    assert "Traceback" not in err


def test_budgets_are_held(capfd: pytest.CaptureFixture[str], tiny: Path) -> None:
    found = document(capfd, "bench", "hello", *VIRTUAL)
    assert {row["resource"]: row["status"] for row in found["budgets"]} == {
        "flash_bytes": "ok",
        "ram_bytes": "ok",
        "arena_bytes": "ok",
        "latency_us": "ok",
    }
    words = ("bench", tiny, *VIRTUAL, "--budget", "latency_us=1", "--budget", "arena_bytes=1000000")
    code, out, err = typed(capfd, *words, "--json")
    assert code == Exit.OVER_BUDGET
    assert "latency_us" in err
    status = {row["resource"]: row["status"] for row in json.loads(out)["budgets"]}
    assert status == {"latency_us": "over", "arena_bytes": "ok"}


@pytest.mark.parametrize("word", ["latency_us", "latency_us=fast", "speed=3", "arena_bytes=nan"])
def test_a_budget_that_is_none(capfd: pytest.CaptureFixture[str], tiny: Path, word: str) -> None:
    code, _, err = typed(capfd, "bench", tiny, *VIRTUAL, "--budget", word)
    assert code == Exit.USAGE, err
