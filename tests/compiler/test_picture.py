"""The memory plan's picture: every buffer drawn where it lies, labelled, and escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler import extents, picture
from tests import model_builder as models

HOSTILE = "</svg><script>&\x00\u00e9\"' ]]>"


def drawn(data: bytes, name: str = "m", target: str = "cortex_m4"):
    """A compiled model, what is named of its plan, and the picture's root element."""
    graph = model.read(data)
    compiled = compiler.compile(graph, target=target)
    text = picture.emit(compiled, graph, name)
    assert text == picture.emit(compiled, graph, name)
    return compiled, extents.extents(compiled, graph), ET.fromstring(text)


def elements(root, tag):
    return list(root.iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def rectangles(root):
    """Those with a tooltip: (tooltip, x, y, width, height)."""
    found = []
    for each in elements(root, "rect"):
        tooltip = each.find("{http://www.w3.org/2000/svg}title")
        if tooltip is not None:
            sides = (float(each.attrib[side]) for side in ("x", "y", "width", "height"))
            found.append((tooltip.text, *sides))
    return found


def chain(layers: int) -> bytes:
    """Softmax after softmax."""
    builder = models.ModelBuilder()
    first = at = builder.tensor((1, 40), scale=1 / 256, zero_point=-128)
    for _ in range(layers):
        after = builder.tensor((1, 40), scale=1 / 256, zero_point=-128)
        builder.op("SOFTMAX", [at], [after], {"beta": 1.0})
        at = after
    return builder.finish([first], [at])


MODELS = {
    "sine": models.sine_like(0),
    "tiny": models.tiny_conv(0),
    "kws_like": models.kws_like(0),
    "one": chain(1),
    "sixty": chain(60),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_buffer_is_a_rectangle_on_the_paper_with_a_label(name):
    compiled, found, root = drawn(MODELS[name])
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    shown = rectangles(root)
    assert len(shown) == len(found) == len(compiled.plan.buffers)
    for _, x, y, wide, high in shown:
        assert 0 < x < x + wide < width
        assert 0 < y < y + high < height
        assert wide > 20
        assert high >= 3
    texts = [text.text for text in elements(root, "text")]
    labelled = Counter()
    for text in texts:
        for size in {f"{extent.bytes:,} B" for extent in found}:
            # "640 B", "output 640 B", or in the list below "3 ADD: 640 B at 0".
            labelled[size] += text == size or text.endswith(f" {size}") or f": {size} at" in text
    for size, count in Counter(f"{extent.bytes:,} B" for extent in found).items():
        assert labelled[size] >= count, size
    for text in elements(root, "text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


def test_rectangles_stand_where_the_plan_says():
    compiled, found, root = drawn(MODELS["tiny"])
    boxes = [box for _, *box in rectangles(root)]  # in the order of `found`
    column = (float(root.attrib["width"]) - 84 - 40) / (len(compiled.layers) + 2)
    for extent, (x, y, wide, high) in zip(found, boxes, strict=True):
        assert wide + 2 == pytest.approx(column * (extent.last - extent.first + 1), abs=1)
        assert x - 1 == pytest.approx(84 + column * (extent.first + 1), abs=1)
        for other, (_, y2, _, high2) in zip(found, boxes, strict=True):
            if extent.offset < other.offset:  # bytes go up
                assert y + high > y2 + high2
            elif extent.offset == other.offset:
                assert y + high == pytest.approx(y2 + high2, abs=0.15)
            if extent.bytes > other.bytes:
                assert high >= high2


def test_what_is_written_over_an_input_is_hatched():
    compiled, found, root = drawn(MODELS["kws_like"])
    hatched = [r for r in elements(root, "rect") if r.attrib["fill"] == "url(#shared)"]
    pairs = [
        (a, b)
        for a in found
        for b in found
        if a.first < b.first == a.last
        and a.offset < b.offset + b.bytes
        and b.offset < a.offset + a.bytes
    ]
    assert len(pairs) > 3
    assert len(hatched) == len(pairs) + 1  # and the legend's
    assert any("writes its output over" in text.text for text in elements(root, "text"))
    _, _, plain = drawn(MODELS["sine"])
    assert not [r for r in elements(plain, "rect") if r.attrib["fill"] == "url(#shared)"]
    assert compiled.arena_bytes < sum(e.bytes for e in found)


def test_the_peak_is_the_layer_with_the_most_bytes_in_use():
    compiled, found, root = drawn(MODELS["tiny"])
    layer, most = extents.peak(found, len(compiled.layers))
    for at in range(len(compiled.layers)):
        used = set()
        for extent in found:
            if extent.first <= at <= extent.last:
                used |= set(range(extent.offset, extent.offset + extent.bytes))
        assert extents.in_use(found, at) == len(used)
        assert len(used) <= most
        assert at >= layer or len(used) < most
    assert most <= compiled.arena_bytes
    texts = [text.text for text in elements(root, "text")]
    assert "peak" in texts
    assert f"arena {compiled.arena_bytes:,} B" in texts
    assert any(f"{most:,} B." in text for text in texts)


def test_names_are_escaped():
    builder = models.LayerBuilder(0)
    x = builder.tensor((1, 4), scale=0.1, name=HOSTILE)
    y = builder.tensor((1, 4), scale=1 / 256, zero_point=-128, name=HOSTILE * 30)
    builder.op("SOFTMAX", [x], [y], {"beta": 1.0})
    _, found, root = drawn(builder.finish([x], [y]), name=HOSTILE)  # it parses
    assert not list(root.iter("script"))
    assert {extent.name for extent in found if not extent.name.startswith("scratch")} == {
        model.safe_name(HOSTILE),
        model.safe_name(HOSTILE * 30),
    }
    assert model.safe_name(HOSTILE) in root.find("{http://www.w3.org/2000/svg}title").text


def test_a_model_without_layers_has_a_picture():
    builder = models.ModelBuilder()
    x = builder.tensor((2, 3), scale=0.1)
    y = builder.tensor((3, 2), scale=0.1)
    wanted = builder.tensor((2,), "int32", values=[3, 2])
    builder.op("RESHAPE", [x, wanted], [y], {"new_shape": [3, 2]})
    compiled, found, root = drawn(builder.finish([x], [y]))
    assert not compiled.layers
    assert [extent.kind for extent in found] == ["input"]
    assert len(rectangles(root)) == 1
