"""The ESP32-S3's kernels against the reference, their instructions done in C; and who gets them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import boards, compiler, labs, model
from edge_deploy.compiler.ops import vectors
from tests import compiled_model
from tests import model_builder as models
from tests.nn import checks
from tests.nn.cases import Case, Seeded
from tests.nn.families import FAMILIES

ROOT = Path(__file__).parents[2]
KERNELS = re.compile(r'#include "nn/s3/(\w+)\.h"')
# Drawn until so many models of a family have such a layer.
MODELS = 3
WITH_VECTORS = (
    *("conv_2d", "converted_conv_2d", "depthwise_conv_2d", "depthwise_3x3", "depthwise_narrow"),
    *("fully_connected", "streaming_conv", "chain", "dilated"),
)


def kernels(data: bytes) -> set[str]:
    text = compiled_model.compile_graph(data, "esp32s3")[1].files["ed_model.c"]
    return set(KERNELS.findall(text))


@pytest.mark.parametrize("family", WITH_VECTORS)
def test_drawn_models(family):
    found = 0
    for seed in range(4000, 4100):
        case = FAMILIES[family](Seeded(seed))
        if kernels(case.data):
            checks.check_on_host(case, "esp32s3")
            found += 1
        if found == MODELS:
            return
    pytest.fail(f"{found} of 100 models of {family} have a layer for vectors")


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 33])
@pytest.mark.parametrize("kernel", [1, 3])
def test_channels_around_whole_vectors(channels, kernel):
    size = {"height": 4, "width": 5, "channels": channels, "kernel": kernel}
    for made in (models.conv2d(7, filters=5, **size), models.depthwise_conv2d(8, **size)):
        checks.check_on_host(Case(f"{channels} channels, kernel {kernel}", made), "esp32s3")


class Lowest(models.LayerBuilder):
    """Every weight is -128."""

    def _weights(self, shape):
        return np.full(shape, -128, np.int8)


@pytest.mark.parametrize(
    ("kernel", "by_vectors"), [((5, 6), True), ((31, 1), True), ((8, 4), False)]
)
def test_no_sum_is_more_than_a_lane_holds(kernel, by_vectors):
    """The second of the inputs is -128 all over: of more taps the sums would stay at the end."""
    builder = Lowest(3)
    x = builder.input((1, 33, 9, 3), scale=0.05, zero_point=0)
    data = builder.done(x, builder.depthwise_conv2d(x, kernel=kernel, padding="VALID"))
    assert (kernels(data) == {"depthwise"}) == by_vectors
    assert (kernel[0] * kernel[1] * 2**14 < 2**19) == by_vectors
    checks.check_on_host(Case(f"kernel {kernel}", data), "esp32s3")


@pytest.mark.parametrize("name", [lab.name for lab in labs.load_all()])
def test_every_lab(name):
    lab = labs.load(name)
    data = lab.model.read_bytes()
    inputs = compiled_model.random_inputs(model.read(data), 3)
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs, "esp32s3")
    compiled_model.assert_equal(data, got, wanted, what=f"esp32s3 on host, {name}")
    assert kernels(data)


COUNTS = """
#include <stdio.h>
#include "model/ed_model.h"

static unsigned long instructions;

void told(void);
void told(void)
{
    ++instructions;
}

int main(void)
{
    ed_model_reset();
    ed_model_invoke(0);
    return printf("%lu", instructions) < 0;
}
"""


@pytest.mark.parametrize("name", ["gesture", "kws", "vision"])
def test_the_page_says_how_many_instructions_and_bytes(name, tmp_path):
    graph = model.read(labs.load(name).model.read_bytes())
    made, portable = (compiler.compile(graph, target=t) for t in ("esp32s3", "portable"))
    (compiled_model.write(made, tmp_path) / "main.c").write_text(COUNTS)
    include = ["-I", str(tmp_path), "-I", str(compiled_model.INCLUDE), "-DED_PIE_TOLD=told"]
    sources = [str(tmp_path / file) for file in ("ed_model.c", "main.c")]
    words = [compiled_model.host_compiler(), "-O1", *include, *sources]
    program = tmp_path / "program"
    subprocess.run([*words, "-o", str(program)], check=True, timeout=120)
    counted = int(
        subprocess.run([str(program)], capture_output=True, timeout=60, check=True).stdout
    )
    more = [
        getattr(made, kind) - getattr(portable, kind) for kind in ("arena_bytes", "weights_bytes")
    ]
    row = [f"{made.macs_after_passes:,}", f"{counted:,}", *(f"+{one:,} B" for one in more)]
    page = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert f"| {name} | {' | '.join(row)} |" in page


def test_no_board_has_these_kernels_by_itself():
    assert compiler.ESP32S3 in compiler.TARGETS
    assert compiler.ESP32S3 not in boards.TARGETS  # so no boards.yaml can name it
    assert boards.load("xiao_esp32s3").target == compiler.PORTABLE


def test_what_has_no_such_kernel_is_the_portable_one_to_the_letter():
    data = models.softmax(shape=(3, 7), input_zero_point=-20)
    texts = [
        compiled_model.compile_graph(data, target)[1].files["ed_model.c"]
        for target in ("portable", "esp32s3")
    ]
    assert texts[0].replace("/portable", "") == texts[1].replace("/esp32s3", "")


def test_rows_are_filled_up_and_lie_at_boundaries():
    rows = vectors.rows(np.arange(6, dtype=np.int8).reshape(2, 3))
    assert rows.values.tolist() == [0, 1, 2, *[0] * 13, 3, 4, 5, *[0] * 13]
    data = models.fully_connected(1, inputs=3, outputs=2)
    text = compiled_model.compile_graph(data, "esp32s3")[1].files["ed_model.c"]
    assert "static const int8_t layer_0_weights[32] ED_ALIGNED(16) = {" in text
