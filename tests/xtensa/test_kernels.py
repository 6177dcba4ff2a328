"""Generated code for a Xtensa core gives the reference's bits: every family of operators."""

from __future__ import annotations

import pytest

from edge_deploy import compiler, model
from tests import compiled_model
from tests import model_builder as models
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES
from tests.qemu.test_kernels import packed
from tests.xtensa import machine

RUNS = 4

MODELS = {
    "sine": lambda: models.sine_like(1),
    "every_operator": lambda: models.tiny_conv(2),
    "depthwise": lambda: models.depthwise_conv2d(9, height=7, width=6, channels=7, kernel=3),
}
# Families whose layers an ESP32-S3 does by vectors, and a seed with which one does.
VECTORS = {
    "converted_conv_2d": 20,
    "depthwise_3x3": 3006,
    "depthwise_conv_2d": 3009,
    "fully_connected": 20,
    "streaming_conv": 20,
}


def check(data: bytes, name: str, folder, target: str = "portable") -> None:
    graph = model.read(data, name=name)
    inputs = compiled_model.random_inputs(graph, RUNS)
    wanted = compiled_model.expected(data, inputs)
    for file, text in compiler.compile(graph, target=target).files.items():
        (folder / file).write_text(text, encoding="utf-8")
    rows = ",\n".join(", ".join(map(str, one)) for one in packed(inputs))
    (folder / "case.h").write_text(
        f"#include <stdint.h>\n#define ED_CASE_COUNT {RUNS}u\n"
        f"static const uint8_t ed_case_inputs[] = {{\n{rows}\n}};\n"
    )
    sources = [machine.arm.BARE / "run_model.c", machine.arm.BARE / "text.c"]
    said = machine.run(machine.image(folder, [*sources, folder / "ed_model.c"]))
    assert said.returncode == 0, said.text[-200:]
    assert said.outputs == packed(wanted)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_references(name, tmp_path):
    machine.needed()
    check(MODELS[name](), name, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_drawn_model_of_every_family(family, tmp_path):
    machine.needed()
    case = FAMILIES[family](Seeded(20))
    check(case.data, family.replace(" ", "_"), tmp_path)


@pytest.mark.parametrize("family", VECTORS)
def test_the_vectors_of_an_esp32_s3_in_c(family, tmp_path):
    machine.needed()
    case = FAMILIES[family](Seeded(VECTORS[family]))
    check(case.data, family.replace(" ", "_"), tmp_path, "esp32s3")
    assert '#include "nn/s3/' in (tmp_path / "ed_model.c").read_text()
