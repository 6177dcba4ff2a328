"""Whole models: exact on the host and on a Cortex-M4; arena, determinism, hostile names."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import compiler, model, places
from edge_deploy.errors import UnsupportedModel
from tests import compiled_model
from tests import model_builder as models
from tests.nn import cases_simple
from tests.nn.cases import Seeded

# Inputs for a model; fewer for one that takes long.
RUNS = {"ic": 4}
USUAL_RUNS = 50
HOSTILE = '*/ } int x; /* " \n %s \\ ??/ \u00e9'
# The first row of the table in the design: what a compiled kws may take.
KWS_ARENA_BYTES = 9_500
KWS_WEIGHTS = 1.05


def _mlperf(name: str) -> bytes:
    """A model of MLPerf Tiny; skips the test where it is not at hand."""
    root = Path(__file__).parents[2]
    shared = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", root.parent / "shared"))
    path = shared / "models" / "mlperf_tiny" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path.read_bytes()


def _hello() -> bytes:
    return places.shipped("labs", "hello", "model.tflite").read_bytes()


WHOLE = {
    "kws": lambda: _mlperf("kws"),
    "ic": lambda: _mlperf("ic"),
    "hello": _hello,
    "kws_like": lambda: models.kws_like(3, filters=13),
    "tiny": lambda: models.tiny_conv(5),
}


@pytest.mark.parametrize("name", WHOLE)
def test_portable_is_exact_on_the_host(name):
    data = WHOLE[name]()
    inputs = compiled_model.random_inputs(model.read(data), RUNS.get(name, USUAL_RUNS))
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what=name)


@pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])
@pytest.mark.parametrize("target", [compiler.PORTABLE, compiler.CORTEX_M4])
@pytest.mark.parametrize("name", WHOLE)
def test_both_kernel_sets_are_exact_on_the_core(name, target, toolchain):
    chosen = compiled_model.m4_toolchain(toolchain)
    data = WHOLE[name]()
    inputs = compiled_model.random_inputs(model.read(data), RUNS.get(name, USUAL_RUNS))
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_m4(data, inputs, target, chosen).outputs
    compiled_model.assert_equal(data, got, wanted, what=f"{name} {target} {toolchain}")


@pytest.mark.parametrize("name", WHOLE)
def test_only_the_arena_is_written_and_all_of_it(name):
    data = WHOLE[name]()
    image = compiled_model.build_for_m4(data)
    inputs = compiled_model.random_inputs(image.graph, 2)
    arena_bytes = image.compiled.arena_bytes
    written = np.zeros(arena_bytes, bool)
    for fill in (0xA5, 0x3C):  # a byte may happen to be written with one fill, not with both
        run = compiled_model.run_image(image, inputs, ram_fill=fill)
        ram = np.frombuffer(run.ram, np.uint8)
        arena = run.symbol("arena") - compiled_model.RAM
        written |= ram[arena : arena + arena_bytes] != fill
        untouched = np.ones(len(ram), bool)
        untouched[arena : arena + arena_bytes] = False
        untouched[-compiled_model.STACK_BYTES :] = False
        assert (ram[untouched] == fill).all()
    # The last word is in use: the arena is no larger than it has to be.
    assert written[-compiler.plan.ALIGNMENT :].any()
    buffers = image.compiled.plan.buffers
    end = max(b.offset + b.bytes for b in buffers)
    assert 0 <= arena_bytes - end < compiler.plan.ALIGNMENT


def test_kws_keeps_its_memory_promises():
    graph, compiled = compiled_model.compile_graph(_mlperf("kws"), "cortex_m4")
    assert compiled.arena_bytes <= KWS_ARENA_BYTES
    weights = [t for t in graph.tensors if t.is_constant and t.dtype is model.DType.INT8]
    in_file = sum(t.bytes for t in weights)
    channels = sum(t.elements for t in graph.tensors if t.is_constant and len(t.shape) == 1)
    # Beside the weights at most a bias, a multiplier and a shift for each channel.
    assert in_file < compiled.weights_bytes <= KWS_WEIGHTS * in_file + 9 * channels
    assert compiled.macs == sum(model.macs(graph)) == 2_656_768
    assert [layer.operator for layer in compiled.layers].count("RESHAPE") == 0


@pytest.mark.parametrize("target", [compiler.PORTABLE, compiler.CORTEX_M4])
def test_fully_connected_layers_with_one_scale_take_their_weights_and_little_more(target):
    graph, compiled = compiled_model.compile_graph(_mlperf("ad"), target)
    weights = sum(t.bytes for t in graph.tensors if t.is_constant and t.dtype is model.DType.INT8)
    biases = sum(t.bytes for t in graph.tensors if t.is_constant and len(t.shape) == 1)
    assert weights == 264_192
    assert compiled.weights_bytes == weights + biases


def test_a_fully_connected_layer_says_which_output_it_gives():
    def dense(output: tuple[int, ...], scale: object, *, keep: bool) -> bytes:
        builder = models.ModelBuilder()
        x = builder.tensor((2, 3, 8), scale=0.1)
        w = builder.tensor((4, 8), scale=scale, values=np.ones((4, 8), np.int8))
        y = builder.tensor(output, scale=0.1)
        builder.op("FULLY_CONNECTED", [x, w, -1], [y], {"keep_num_dims": keep})
        return builder.finish([x], [y])

    assert compiled_model.compile_graph(dense((6, 4), 0.1, keep=False), "portable")
    assert compiled_model.compile_graph(dense((2, 3, 4), 0.1, keep=True), "portable")
    assert "(2, 3, 4)" in _refusal(dense((2, 3, 4), 0.1, keep=False)).message
    assert "(6, 4)" in _refusal(dense((6, 4), 0.1, keep=True)).message
    # The reference computes only a part of this one.
    refused = _refusal(dense((2, 3, 4), [0.1, 0.2, 0.1, 0.1], keep=True))
    assert "a scale for each output" in refused.message
    assert "per_channel" in " ".join(refused.try_next)


@pytest.mark.parametrize("target", compiler.TARGETS)
def test_the_same_model_gives_the_same_bytes(target):
    data = models.tiny_conv(1)
    first = compiled_model.compile_graph(data, target, command="edge-deploy compile x")[1]
    again = compiled_model.compile_graph(data, target, command="edge-deploy compile x")[1]
    assert dict(first.files) == dict(again.files)


def test_generated_files_say_what_made_them():
    data = models.sine_like(0)
    graph, compiled = compiled_model.compile_graph(
        data, "portable", command="edge-deploy compile labs/hello", model_name="hello"
    )
    for text in compiled.files.values():
        first = text.splitlines()[:5]
        assert first[0].startswith("/* Generated by edge-deploy 0.")
        assert first[1] == " * command: edge-deploy compile labs/hello"
        assert first[2] == " * model:   hello"
        assert first[3] == f" * sha256:  {graph.sha256}"


def test_hostile_words_do_not_reach_the_code(monkeypatch):
    builder = models.LayerBuilder(0)
    index = builder.tensor((1, 4), scale=0.1, zero_point=0, name=HOSTILE)
    end = builder.tensor((1, 4), scale=1 / 256, zero_point=-128, name=HOSTILE * 40)
    builder.op("SOFTMAX", [index], [end], {"beta": 1.0})
    data = builder.finish([index], [end])
    monkeypatch.setattr(
        compiled_model,
        "compile_graph",
        lambda raw, target: (
            model.read(raw),
            compiler.compile(model.read(raw), target=target, command=HOSTILE, model_name=HOSTILE),
        ),
    )
    inputs = compiled_model.random_inputs(model.read(data), 3)
    got = compiled_model.run_on_host(data, inputs)  # with every warning an error
    compiled_model.assert_equal(data, got, compiled_model.expected(data, inputs), what="hostile")
    text = compiled_model.compile_graph(data, "portable")[1].files["ed_model.c"]
    assert text.isascii()
    assert "??" not in text
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert "%s" not in code
    code = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', code)
    assert "int x" not in code


def test_a_model_of_reshapes_alone_has_no_layers():
    data = next(
        case.data
        for case in (cases_simple.reshape(Seeded(seed)) for seed in range(20))
        if not compiled_model.compile_graph(case.data, "portable")[1].layers
    )
    inputs = compiled_model.random_inputs(model.read(data), 2)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, compiled_model.expected(data, inputs), what="reshape")


def test_calls_of_kernels_survive_gcc():
    """GCC 12.2 dropped this one's only call (see ED_KEEP in firmware/src/nn/inline.h)."""
    builder = models.ModelBuilder()
    x = builder.tensor((2, 10, 2, 1), scale=1.0, zero_point=-128)
    y = builder.tensor((2, 10, 1, 1), scale=1.0, zero_point=-128)
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 2}
    options |= {"filter_height": 1, "filter_width": 1, "fused_activation_function": "NONE"}
    builder.op("MAX_POOL_2D", [x], [y], options)
    data = builder.finish([x], [y])
    inputs = compiled_model.random_inputs(model.read(data), 3)
    toolchain = compiled_model.m4_toolchain("arm-none-eabi-gcc")
    got = compiled_model.run_on_m4(data, inputs, "cortex_m4", toolchain).outputs
    compiled_model.assert_equal(data, got, compiled_model.expected(data, inputs), what="pool")


def test_an_unknown_target_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="unknown target"):
        compiler.compile(model.read(models.sine_like(0)), target="z80")


def _refusal(data: bytes) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as refused:
        compiler.compile(model.read(data), target="portable")
    return refused.value


def test_an_unsupported_operator_is_named_with_its_index_and_tensor():
    builder = models.LayerBuilder(0)
    x = builder.tensor((1, 4), scale=0.1)
    y = builder.tensor((1, 4), scale=1 / 256, zero_point=-128)
    z = builder.tensor((1, 4), scale=1 / 256, zero_point=-128, name="the end")
    builder.op("SOFTMAX", [x], [y], {"beta": 1.0})
    builder.op("TOPK_V2", [y], [z])
    refused = _refusal(builder.finish([x], [z]))
    assert refused.exit_code == 15
    for part in ("operator 1", "TOPK_V2", "the=20end"):
        assert part in refused.message
    assert refused.try_next


def test_an_operator_that_wants_int8_refuses_float_with_a_way_out():
    builder = models.LayerBuilder(0)
    x = builder.tensor((1, 4), "float32")
    q = builder.tensor((1, 4), scale=0.1)
    y = builder.tensor((1, 4), scale=1 / 256, zero_point=-128)
    builder.op("RESHAPE", [x], [q], {"new_shape": (1, 4)})
    builder.op("SOFTMAX", [q], [y], {"beta": 1.0})
    refused = _refusal(builder.finish([x], [y]))
    assert "float32" in refused.message
    assert any("inference_input_type" in line for line in refused.try_next)


def test_scales_out_of_all_proportion_are_refused():
    builder = models.LayerBuilder(0)
    x = builder.tensor((1, 4), scale=1e6)
    w = builder.tensor((1, 4), scale=1e6, values=[[1, 2, 3, 4]])
    y = builder.tensor((1, 1), scale=1.0)
    builder.op("FULLY_CONNECTED", [x, w, -1], [y], {})
    refused = _refusal(builder.finish([x], [y]))
    assert "operator 0, FULLY_CONNECTED" in refused.message
    assert "beyond 2^31" in refused.message


def test_carray_is_the_model_and_compiles(tmp_path):
    import subprocess

    data = bytes(range(256)) * 3
    text = compiler.carray(data, symbol="g_model")
    numbers = [int(word, 16) for word in re.findall(r"0x([0-9a-f]{2})\b", text)]
    assert bytes(numbers) == data
    assert "g_model_len = 768;" in text
    source = tmp_path / "model.c"
    source.write_text(text)
    words = [compiled_model.host_compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-c"]
    done = subprocess.run(
        [*words, str(source), "-o", str(tmp_path / "model.o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for symbol in ("1x", "a b", "x;"):
        with pytest.raises(ValueError, match="identifier"):
            compiler.carray(data, symbol=symbol)
