"""The cycle model against boards whose clock and wait states were changed on purpose."""

from __future__ import annotations

import dataclasses
import random

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")
pytest.importorskip("capstone")

from edge_deploy import boards, build, compiler, labs, model
from edge_deploy.bench import calibrate
from edge_deploy.bench.calibrate import NotEnough, Point
from edge_deploy.bench.measure import profile
from edge_deploy.devices.virtual.device import VirtualDevice
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing

NANO33 = boards.load("nano33")
LABS = ("hello", "gesture")


def profiles(folder, board, **fault):
    """Of each lab on a virtual board with those facts."""
    found = []
    for name in LABS:
        lab = labs.load(name)
        graph = model.read(lab.model.read_bytes(), name=name)
        compiled = compiler.compile(graph, target="cortex_m4", model_name=name)
        try:
            made = build.firmware(
                compiled,
                graph=graph,
                board=board,
                port="virtual_m4",
                labels=lab.labels,
                source=lab.source,
                features=lab.features,
                decision=lab.decision,
            )
        except ToolchainMissing as missing:
            pytest.skip(missing.message)
        with VirtualDevice(board, home=folder, **fault) as device:
            device.flash(made)
            with Session(device.open()) as session:
                session.begin()
                found.append(
                    profile(
                        session,
                        on="virtual",
                        facts=compiled.layers,
                        runs=1,
                        warmup=0,
                        manifest=made.manifest,
                    )
                )
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def modelled(home):
    return profiles(home, NANO33)


def report(measured, modelled):
    return calibrate.report(
        measured,
        modelled,
        measured_at="2026-11-26T12:00:00Z",
        nominal_clock_hz=NANO33.clock_hz,
        wait_states=NANO33.flash_wait_states,
    )


@pytest.mark.parametrize(("waits", "slow"), [(0, 1), (5, 1), (2, 2), (7, 3)])
def test_what_was_changed_on_purpose_is_found(home, modelled, waits, slow):
    changed = dataclasses.replace(NANO33, flash_wait_states=waits)
    faults = (f"slow={slow}",) if slow > 1 else ()
    found = report(profiles(home, changed, faults=faults), modelled)
    assert found.fit.wait_states == waits
    assert found.fit.clock_hz == pytest.approx(NANO33.clock_hz / slow, rel=1e-3)
    assert found.fit.worst < 1e-6
    saved = found.calibration
    assert (saved.board, saved.flash_wait_states, saved.id) == ("nano33", waits, found.id)


def test_the_report_has_every_layer_and_nothing_of_the_person(home, modelled):
    found = report(modelled, modelled)
    layers = sum(len(result.layers) for result in modelled)
    assert len(found.points) == layers > calibrate.LAYERS_LEAST
    page = calibrate.markdown(found)
    assert page.count("\n| gesture |") == len(modelled[1].layers)
    document = found.as_json()
    assert document["id"] == found.id
    assert document["toolchain"] == modelled[0].manifest.toolchain
    assert str(home) not in page + str(document)


# -- the fit ---------------------------------------------------------------------------------


def points(per_cycle, per_word, *, noise=0.0, count=40, seed=1):
    draw = random.Random(seed)
    found = []
    for i in range(count):
        cycles, words = draw.randrange(1_000, 900_000), draw.randrange(10, 90_000)
        real = (per_cycle * cycles + per_word * words) * (1 + draw.uniform(-noise, noise))
        found.append(Point("m", i, "CONV_2D", cycles, words, max(1, round(real))))
    return found


def test_noise_leaves_the_truth_within_its_errors():
    fit = calibrate.fit(points(1.07, 4.5, noise=0.05), 64e6)
    assert abs(fit.per_cycle - 1.07) < 3 * fit.per_cycle_error
    assert abs(fit.per_word - 4.5) < 3 * fit.per_word_error
    assert 0.01 < fit.rms < 0.05
    assert fit.worst < 0.06
    assert fit.clock_hz == round(64e6 / fit.per_cycle)


def test_too_few_layers_or_layers_all_alike():
    with pytest.raises(NotEnough, match="5 layers were measured; at least 6"):
        calibrate.fit(points(1, 2, count=5), 64e6)
    alike = [Point("m", i, "ADD", 1000 * i, 100 * i, 1300 * i) for i in range(1, 20)]
    with pytest.raises(NotEnough, match="cannot be told from the clock"):
        calibrate.fit(alike, 64e6)


def test_a_board_that_counts_no_cycles(modelled):
    def blind(result):
        layers = tuple(
            dataclasses.replace(layer, counts=dataclasses.replace(layer.counts, cycles_board=None))
            for layer in result.layers
        )
        return dataclasses.replace(result, layers=layers)

    with pytest.raises(NotEnough, match="counts no cycles of its own"):
        report([blind(result) for result in modelled], modelled)
