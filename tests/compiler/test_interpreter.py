"""The model behind TensorFlow Lite Micro: its C++ is sound, whatever the model's names are."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from edge_deploy import boards, labs, model
from edge_deploy.build import export
from edge_deploy.cli import prepare
from edge_deploy.compiler import interpreter
from edge_deploy.errors import UnsupportedModel
from tests import model_builder
from tests.firmware import building
from tests.model_file import ModelBuilder

NANO33 = boards.load("nano33")


def files(data, name="m", arena_bytes=20_000):
    return interpreter.files(model.read(data, name=name), data, arena_bytes=arena_bytes)


@pytest.fixture(scope="module")
def kws():
    return labs.load("kws").model.read_bytes()


def bytes_of(source):
    inside = re.search(r"g_model\[\] = \{(.*?)\};", source, re.DOTALL)[1]
    return bytes(int(word, 16) for word in re.findall(r"0x([0-9a-f]{2})", inside))


def test_the_model_is_in_it_to_the_byte_and_each_operator_once(kws):
    source = files(kws)["ed_model.cpp"]
    assert bytes_of(source) == kws
    methods = re.findall(r"resolver\.Add(\w+)\(\)", source)
    assert methods == sorted(set(methods))
    assert {"Conv2D", "DepthwiseConv2D", "FullyConnected", "Softmax"} <= set(methods)
    assert f"MicroMutableOpResolver<{len(methods)}>" in source
    config = files(kws, arena_bytes=12_345)["ed_model_config.h"]
    assert "#define ED_MODEL_ARENA_BYTES 12345\n" in config
    assert "#define ED_MODEL_INPUT_BYTES 1960\n" in config


@pytest.mark.parametrize("name", ["kws", '"*/ int main() { } /* \\ ??/'])
def test_it_compiles_against_declarations_of_the_library(name, tmp_path):
    compiler = next(filter(shutil.which, ("arm-none-eabi-g++", "g++")), None)
    if compiler is None:
        pytest.skip("no g++ for a Cortex-M4 or this machine")
    data = model_builder.tiny_conv(2)
    graph = model.read(data, name=name)
    for file, text in interpreter.files(graph, data, arena_bytes=9_000).items():
        (tmp_path / file).write_text(text)
    words = [compiler, "-std=gnu++14", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    include = [
        tmp_path, building.SOURCES, building.ARDUINO / "core", building.ARDUINO / "tflm"
    ]  # fmt: skip
    done = subprocess.run(
        [*words, *(f"-I{path}" for path in include), str(tmp_path / "ed_model.cpp")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_operator_that_we_do_not_compile_may_be_one_that_it_runs():
    made = ModelBuilder()
    source = made.tensor((1, 8), scale=0.5)
    result = made.tensor((1, 8), scale=0.5)
    made.op("CEIL", [source], [result])
    data = made.finish([source], [result])
    assert "resolver.AddCeil();" in files(data)["ed_model.cpp"]


def test_what_it_does_not_run_either_is_told():
    lab = labs.load("hello")
    graph = model.read(lab.model.read_bytes(), name="x")
    odd = [type(graph.operators[0])(**{**vars(graph.operators[0]), "name": "GELU"})]
    changed = type(graph)(**{**vars(graph), "operators": tuple(odd)})
    with pytest.raises(UnsupportedModel, match="TensorFlow Lite Micro runs no GELU"):
        interpreter.files(changed, b"", arena_bytes=1)


def test_an_exported_project_names_the_library_and_says_what_it_is():
    subject = prepare.subject("hello")
    generated = prepare.interpreted(subject, NANO33, None)
    assert set(generated) == {"ed_model.cpp", "ed_model_config.h", "ed_app_config.h"}
    found = export.files("hello", generated, NANO33, None, engine=export.TFLM)
    assert "Chirale_TensorFLowLite@^2.0.0" in found["platformio/platformio.ini"]
    assert "has not been built by us" in found["README.md"].replace("\n", " ")
    assert "install `Chirale_TensorFlowLite`" in found["README.md"]
    assert "platformio/src/generated/ed_model.cpp" in found
    assert "hello/src/generated/ed_model.cpp" in found
    assert not [path for path in found if "/nn/" in path]
