"""bench and profile: keys, origins, and layers that sum to the whole."""

import json
from dataclasses import dataclass

import pytest

from edge_deploy.artifact import Manifest
from edge_deploy.bench.measure import LayersDoNotSum, bench, check_sum, profile
from edge_deploy.errors import Exit, WrongBoard
from edge_deploy.telemetry.failures import BoardRefused
from edge_deploy.telemetry.readings import Counts, Lap, LayerLap
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink

MANIFEST = Manifest(
    model_name="fake model",
    model_sha256="0" * 64,
    board="nano33",
    port="virtual_m4",
    engine="fake-1/portable",
    target="portable",
    toolchain="arm-none-eabi-gcc 12.2.1",
    flash_bytes=99_000,
    ram_bytes=40_000,
    code_bytes=9_000,
    model_code_bytes=2_000,
    weights_bytes=54_000,
    arena_bytes=1234,
    stack_reserved_bytes=4096,
    image_sha256="1" * 64,
    load_address=0x10000,
    tool_version="0.1.0",
    image="firmware.bin",
    elf="firmware.elf",
)


@dataclass(frozen=True)
class Facts:
    index: int
    operator: str
    macs: int


FACTS = (Facts(0, "CONV_2D", 4000), Facts(2, "FULLY_CONNECTED", 840), Facts(3, "SOFTMAX", 0))


def begun(board):
    link = FakeLink(board)
    session = Session(link, clock=link.clock)
    session.begin()
    return session


def quantity(value, unit, origin):
    return {"value": value, "unit": unit, "origin": origin}


def test_keys_and_origins_on_a_virtual_board():
    board = FakeBoard()
    flat = bench(begun(board), on="virtual", runs=30, warmup=4, manifest=MANIFEST).as_json()
    flat = json.loads(json.dumps(flat))
    m4 = "modelled:cortex_m4"
    assert flat["model"] == {"name": "fake model", "sha256": board.model.sha256}
    assert (flat["board"], flat["on"], flat["engine"]) == ("nano33", "virtual", "fake-1/portable")
    assert (flat["runs"], flat["warmup"], flat["batch"]) == (30, 4, 1)
    assert flat["cycles"] == quantity(3477, "cycles", m4)
    assert flat["cycles_board"] == quantity(457 + 3428 + 88, "cycles", m4)
    assert flat["energy_uj"] == quantity(1.158, "uJ", "modelled:cycles_and_currents")
    assert flat["arena_bytes"] == quantity(1234, "B", "computed:memory_plan")
    assert flat["stack_bytes"] == quantity(1432, "B", "measured:painted_stack")
    assert flat["ram_bytes"] == quantity(40_000, "B", "computed:linked_image")
    assert flat["code_bytes"] == quantity(9_000, "B", "computed:linked_image")
    assert flat["model_code_bytes"] == quantity(2_000, "B", "computed:model_object")
    assert flat["weights_bytes"] == quantity(54_000, "B", "computed:compiler")
    assert list(flat["latency_us"]) == ["dsp", "inference", "post", "end_to_end"]
    assert flat["latency_us"]["inference"] == {
        "n": 30,
        "min": 3477,
        "p50": 3477,
        "p90": 3477,
        "p99": 3477,
        "max": 3477,
        "cv": 0,
        "origin": m4,
    }
    assert flat["latency_us"]["end_to_end"]["p50"] == 10 + 3477 + 3
    assert flat["toolchain"] == MANIFEST.toolchain
    assert not flat["noisy"]
    assert "layers" not in flat


def test_unknown_quantities_are_absent():
    board = FakeBoard(counters=(), source="none", port="host")
    flat = bench(begun(board), on="local", runs=2).as_json()
    assert list(flat["latency_us"]) == ["inference"]
    assert flat["latency_us"]["inference"]["origin"] == "measured:host_clock"
    absent = {"cycles", "cycles_board", "instructions", "energy_uj", "ram_bytes", "code_bytes"}
    absent.add("model_code_bytes")
    assert not absent & set(flat)
    assert None not in flat.values()


def test_time_of_a_stand_in_is_not_the_boards():
    session = begun(FakeBoard(counters=(), port="host", board="xiao_esp32s3"))
    flat = profile(session, on="virtual", facts=FACTS, runs=2).as_json()
    assert flat["latency_us"] == {}
    assert all(set(layer) == {"index", "operator", "macs"} for layer in flat["layers"])
    assert flat["arena_bytes"]["value"] == 1234


def test_real_board_is_measured():
    flat = bench(begun(FakeBoard(port="arduino")), on="auto", runs=2).as_json()
    assert flat["latency_us"]["inference"]["origin"] == "measured:arduino_clock"
    assert flat["cycles"]["origin"] == "measured:arduino_cycle_counter"


def test_profile_sums_to_the_whole():
    board = FakeBoard()
    flat = profile(begun(board), on="virtual", facts=FACTS, runs=5, manifest=MANIFEST).as_json()
    assert [(layer["index"], layer["operator"], layer["macs"]) for layer in flat["layers"]] == [
        (0, "CONV_2D", 4000),
        (2, "FULLY_CONNECTED", 840),
        (3, "SOFTMAX", 0),
    ]
    for key in ("cycles", "cycles_board", "instructions"):
        assert sum(layer[key]["value"] for layer in flat["layers"]) == flat[key]["value"]
        assert {layer[key]["origin"] for layer in flat["layers"]} == {"modelled:cortex_m4"}
    assert sum(layer["us"]["value"] for layer in flat["layers"]) == 3477


def test_profile_without_the_compilers_facts():
    flat = profile(begun(FakeBoard()), on="port:x", runs=1).as_json()
    assert [layer["index"] for layer in flat["layers"]] == [0, 1, 2]
    assert "operator" not in flat["layers"][0]
    assert "macs" not in flat["layers"][0]


def test_facts_of_another_model_are_refused():
    with pytest.raises(WrongBoard, match="3 layers, the compiled model 2"):
        profile(begun(FakeBoard()), on="virtual", facts=FACTS[:2])


@pytest.mark.parametrize("error", [1, -1])
def test_layers_that_do_not_sum_are_an_error(error):
    session = begun(FakeBoard(layer_error=error))
    with pytest.raises(LayersDoNotSum, match="3,477 cycles") as caught:
        profile(session, on="virtual", runs=2)
    assert caught.value.exit_code == Exit.WRONG_BOARD


def test_sum_of_counters_that_only_some_layers_have():
    layers = [LayerLap(0, 0, 4, Counts(cycles=5)), LayerLap(0, 1, 6, Counts())]
    with pytest.raises(LayersDoNotSum):
        check_sum(Lap(0, 10, Counts(cycles=5)), layers)
    with pytest.raises(LayersDoNotSum):
        check_sum(Lap(0, 10), [LayerLap(0, 0, 10, Counts(cycles=5))])
    with pytest.raises(LayersDoNotSum):
        check_sum(Lap(0, 11), [LayerLap(0, 0, 10)])
    check_sum(Lap(0, 10, Counts(energy_nj=7)), [LayerLap(0, 0, 10)])


def test_many_runs_are_asked_for_in_pieces_with_one_warm_up():
    board = FakeBoard(source="none")
    seen = []
    result = bench(
        begun(board),
        on="virtual",
        runs=1203,
        warmup=7,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert result.inference_us.n == 1203
    runs = [command.rpartition("*")[0] for command in board.commands if command.startswith("run")]
    assert runs == ["run 1 0 0", "run 500 6 0", "run 500 0 0", "run 203 0 0"]
    assert seen == [(500, 1203), (1000, 1203), (1203, 1203)]


def test_a_board_without_the_labs_sensor_has_no_stages():
    class Numb(FakeBoard):
        code = "no-source"

        def stream(self, arguments):
            if arguments[:1] == ["on"]:
                self.fail(self.code, missing="imu")
            else:
                super().stream(arguments)

    assert set(bench(begun(Numb()), on="virtual", runs=3).latency_us) == {"inference"}
    other = Numb()
    other.code = "range"
    with pytest.raises(BoardRefused, match="code range"):
        bench(begun(other), on="virtual", runs=3)


def test_noisy_runs_are_called_noisy_and_the_median_run_stands_for_all():
    class Jittery(FakeBoard):
        def record(self, kind, **fields):
            if kind == "run":
                fields["us"] += (fields["run"] * 7 % 10) * 500
                fields["cycles"] += fields["run"] * 7 % 10
            super().record(kind, **fields)

    result = bench(begun(Jittery(source="none")), on="virtual", runs=10)
    assert result.noisy
    assert result.lap.counts.cycles == 3477 + 4
    assert result.quantities["cycles"].value == 3477 + 4
