"""A session with firmware whose model remembers: reset, sequences, and the count of inferences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edge_deploy import boards, build, compiler, devices, model
from edge_deploy.bench.measure import profile
from edge_deploy.bench.verify import verify
from edge_deploy.model import oracle
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests.nn.cases import Seeded
from tests.nn.cases_state import Memory, streaming_conv

PORTS = {"local": ("host", "portable"), "virtual": ("virtual_m4", "cortex_m4")}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def delay() -> bytes:
    """A model whose output is its last input, 7 7 7 at first."""
    memory = Memory()
    x = memory.model.tensor((1, 3), scale=0.1)
    memory.initialise("past", np.full((1, 3), 7, np.int8))
    memory.begin()
    y = memory.read("past", (1, 3), scale=0.1)
    memory.assign("past", x)
    return memory.finish([x], [y])


def begun(data: bytes, on: str) -> Iterator[Session]:
    """A session with the firmware of a model."""
    if on == "virtual":
        pytest.importorskip("unicorn")
        pytest.importorskip("capstone")
    port, target = PORTS[on]
    graph = model.read(data)
    compiled = compiler.compile(graph, target=target)
    board = boards.load("nano33")
    try:
        artifact = build.firmware(compiled, graph=graph, board=board, port=port)
    except ToolchainMissing as missing:
        pytest.skip(missing.message)
    with devices.resolve(on, board) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            session.begin()
            yield session


@pytest.fixture(params=PORTS)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    yield from begun(delay(), request.param)


def test_what_was_assigned_is_read_until_it_is_forgotten(session: Session) -> None:
    def output(*values: int) -> list[int]:
        session.load(np.array(values, np.int8).tobytes())
        result = session.run(1)
        seen.append(result.since)
        return np.frombuffer(result.output, np.int8).tolist()

    seen: list[int | None] = []
    assert session.board.state_bytes == 3
    assert output(1, 2, 3) == [7, 7, 7]
    assert output(-128, 127, 0) == [1, 2, 3]
    assert output(4, 4, 4) == [-128, 127, 0]
    session.forget()
    assert output(5, 5, 5) == [7, 7, 7]
    assert session.run(2, 3).since == 6
    session.reset()
    assert output(6, 6, 6) == [7, 7, 7]
    assert seen == [1, 2, 3, 1, 1]


def test_profile_sums_and_begins_anew(session: Session) -> None:
    session.load(bytes(3))
    session.run(1)
    facts = compiler.compile(model.read(delay()), target="portable").layers
    result = profile(session, on="x", runs=2, warmup=1, facts=facts)
    assert [layer.operator for layer in result.layers] == ["READ_VARIABLE", "ASSIGN_VARIABLE"]
    assert session.run(1).since == 4


@pytest.mark.parametrize("on", PORTS)
@pytest.mark.parametrize("data", [delay(), streaming_conv(Seeded(3)).data], ids=["delay", "conv"])
def test_verify_follows_a_sequence(data: bytes, on: str) -> None:
    try:
        reference = oracle.open_reference(data)
    except oracle.ReferenceMissing as missing:
        pytest.skip(missing.message)
    for session in begun(data, on):
        for _ in range(2):  # the second time both have come from somewhere else
            result = verify(session, reference, on=on, inputs=12)
            assert (result.mismatches, result.inputs) == (0, 12)
            assert result.distinct > 8
