"""A session with the firmware itself: as a program of this computer, and on the virtual board."""

import random
import zlib
from contextlib import closing

import pytest

from edge_deploy import boards, build, compiler, devices, model, places
from edge_deploy.bench.measure import profile
from edge_deploy.bench.verify import verify
from edge_deploy.errors import LinkLost
from edge_deploy.model import oracle
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.failures import (
    BoardRefused,
    BoardRestarted,
    LinkSilent,
    LinkUnreliable,
    WrongModel,
)
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests import model_builder

LABELS = ("quiet", "a word", "100 %", "d")
RAMP = SourceSettings("ramp", -1.0, 1.0, 8, 20)
PORTS = {"local": "host", "virtual": "virtual_m4"}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        yield places.home()


@pytest.fixture(scope="module")
def tflite():
    return model_builder.tiny_conv()


@pytest.fixture(scope="module", params=["local", "virtual"])
def on(request):
    if request.param == "virtual":
        pytest.importorskip("unicorn")
        pytest.importorskip("capstone")
    return request.param


@pytest.fixture(scope="module")
def made(tflite, on):
    """(compiled, artifact) for the place where it is to run."""
    graph = model.read(tflite, name="tiny")
    compiled = compiler.compile(graph, target="portable" if on == "local" else "cortex_m4")
    try:
        artifact = build.firmware(
            compiled,
            graph=graph,
            board=boards.load("nano33"),
            port=PORTS[on],
            labels=LABELS,
            source=RAMP,
        )
    except ToolchainMissing as missing:
        pytest.skip(missing.message)
    return compiled, artifact


@pytest.fixture
def device(made, on):
    with devices.resolve(on, boards.load("nano33")) as chosen:
        chosen.flash(made[1])
        yield chosen


@pytest.fixture
def session(device):
    with Session(device.open()) as opened:
        opened.begin()
        yield opened


def an_input(session, seed=0):
    return random.Random(seed).randbytes(session.board.input_bytes)


def test_hello_is_the_artifacts(session, made, tflite):
    compiled, artifact = made
    hello = session.board
    session.check_model(artifact.manifest.model_sha256)
    with pytest.raises(WrongModel):
        session.check_model("0" * 64)
    assert (hello.board, hello.port) == ("nano33", artifact.manifest.port)
    assert hello.engine == artifact.manifest.engine
    assert hello.labels == LABELS
    assert hello.layers == len(compiled.layers)
    assert hello.arena_bytes == compiled.arena_bytes
    graph = model.read(tflite)
    assert [t.shape for t in hello.inputs] == [graph.tensors[i].shape for i in graph.inputs]
    assert [t.zero_point for t in hello.outputs] == [
        graph.tensors[i].quantization.zero_point for i in graph.outputs
    ]


def test_outputs_are_the_references(session, tflite, on):
    try:
        reference = oracle.open_reference(tflite)
    except oracle.ReferenceMissing as missing:
        pytest.skip(missing.message)
    result = verify(session, reference, on=on, inputs=30)
    assert (result.mismatches, result.max_abs_diff) == (0, 0)
    assert result.distinct > 10


def test_layers_sum_to_the_whole(session, made, on):
    compiled, artifact = made
    flat = profile(
        session, on=on, facts=compiled.layers, runs=5, manifest=artifact.manifest
    ).as_json()
    assert [layer["operator"] for layer in flat["layers"]] == [
        layer.operator for layer in compiled.layers
    ]
    if on == "virtual":
        assert flat["cycles"]["value"] > sum(layer["macs"] for layer in flat["layers"]) / 2
        assert flat["cycles_board"]["value"] >= flat["cycles"]["value"]
        for key in ("cycles", "cycles_board", "instructions"):
            assert sum(layer[key]["value"] for layer in flat["layers"]) == flat[key]["value"]
        assert flat["stack_bytes"]["value"] > 0


def test_same_input_costs_the_same_cycles(session, on):
    session.load(an_input(session))
    laps = session.run(10, 2).laps
    if on == "virtual":
        assert len({lap.counts.cycles for lap in laps}) == 1
    else:
        assert {lap.counts.cycles for lap in laps} == {None}


def test_stream_and_its_end(session):
    readings = [r for r in session.stream(12) if isinstance(r, Inference)]
    assert [reading.n for reading in readings] == list(range(12))
    assert readings[0].output == readings[8].output  # the ramp has 8 steps
    assert len({reading.output for reading in readings}) > 1
    with closing(session.stream()) as stream:
        for _ in range(20):
            next(stream)
    with pytest.raises(BoardRefused, match="no input"):
        session.run(1)
    data = an_input(session)
    assert session.infer(data) == session.infer(data)
    assert session.health.lost_records == session.health.corrupt_lines == 0


def test_reset_forgets_the_input(session):
    session.load(an_input(session))
    session.reset()
    with pytest.raises(BoardRefused, match="no input"):
        session.run(1)


def test_wrong_upload_is_refused_by_the_board(session, device):
    """Bytes that are not what the CRC says, and too few of them: then no input is loaded."""
    size = session.board.input_bytes
    session.load(an_input(session))
    session.close()
    for sent in (bytes(size), bytes(size - 1)):
        link = device.open()
        command = b"load %d 12345678" % size
        link.write(b"%%%s*%08x%%" % (command, zlib.crc32(command)) + sent)
        with Session(link) as again:
            again.begin()
            with pytest.raises(BoardRefused, match="no input"):
                again.run(1)


def test_begins_after_random_bytes(device):
    for seed in range(5):
        link = device.open()
        link.write(random.Random(seed).randbytes(5000))
        with Session(link) as session:
            session.begin()
            data = an_input(session, seed)
            assert session.infer(data) == session.infer(data)


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        ("garble=0.0005", {None}),
        ("drop=0.0005", {None}),
        ("drop=0.05", {LinkUnreliable, LinkSilent}),
        ("slow=4", {None}),
        ("hang@0.3s", {LinkSilent}),
        ("brownout@0.3s", {BoardRestarted}),
        ("unplug@0.3s", {LinkLost}),
    ],
)
@pytest.mark.parametrize("on", ["virtual"], indirect=True)
def test_every_fault_of_the_virtual_board_ends_as_it_should(made, on, fault, outcomes):
    nano33 = boards.load("nano33")
    with devices.resolve("virtual", nano33) as clean:
        clean.flash(made[1])
        with Session(clean.open()) as session:
            session.begin()
            expected = [session.infer(an_input(session, seed)) for seed in range(5)]
    seen = None
    with devices.resolve("virtual", nano33, faults=(fault,), seed=1) as bad:
        try:
            with Session(bad.open(), timeout_s=2) as session:
                session.begin()
                for seed in range(5):
                    assert session.infer(an_input(session, seed)) == expected[seed]
                assert sum(isinstance(r, Inference) for r in session.stream(50)) > 30
        except LinkLost as lost:
            seen = type(lost)
    assert seen in outcomes
