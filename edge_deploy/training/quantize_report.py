"""What quantization cost, as a page of Markdown. The same run gives the same text."""

from __future__ import annotations

from edge_deploy import __version__, model
from edge_deploy.training.card import table
from edge_deploy.training.layer_errors import LayerError
from edge_deploy.training.quantized import Quantized

# Accuracy that int8 may cost before a word is lost about it.
POINTS_MOST = 1.0


def text(result: Quantized, name: str) -> str:
    """The whole page; ends in a newline. name: of the model file that was quantized."""
    graph = result.graph
    ends = [("input", i) for i in graph.inputs] + [("output", i) for i in graph.outputs]
    lines = [
        f"# {name} in int8",
        "",
        samples_line(result),
        "",
        "## Sizes",
        "",
        table(
            ("what", "float", "int8", "unit"),
            [
                ("file", f"{result.float_bytes:,}", f"{len(result.content):,}", "B"),
                ("weights and biases", "", f"{model.weights_bytes(graph):,}", "B"),
                ("multiply-accumulates", "", f"{sum(model.macs(graph)):,}", "MAC"),
            ],
        ),
        "",
        "## Figures",
        "",
        table(
            ("figure", "float", "int8", "unit", "origin"),
            [
                (
                    row.name,
                    f"{row.in_float.value:.6g}",
                    f"{row.in_int8.value:.6g}",
                    row.in_int8.unit,
                    row.in_int8.origin,
                )
                for row in result.figures
            ],
        ),
        "",
        f"Of {result.test_samples:,} samples"
        + (", the same that set the ranges." if result.same_samples else "."),
        *(() if loss_line(result) is None else ("", loss_line(result) or "")),
        "",
        "## Layers, worst first",
        "",
        "Signal-to-quantization-noise ratio of every operator's output, float against int8;",
        f"`lost` is how much of it the layer itself cost. Of {result.layer_samples:,} samples.",
        "",
        table(
            ("operator", "name", "output", "SQNR dB", "lost dB"),
            [layer_cells(layer) for layer in result.layers],
        ),
        "",
        *(
            (f"{result.unmatched} operators have no float counterpart.", "")
            * bool(result.unmatched)
        ),
        "## Ends",
        "",
        table(
            ("end", "name", "type", "shape", "scale", "zero point"),
            [_end(what, result, index) for what, index in ends],
        ),
        "",
        f"- edge-deploy {__version__}, {result.versions}; int8 on {result.reference}",
        f"- sha256 of the int8 file: `{result.sha256}`",
        "",
    ]
    return "\n".join(lines)


def samples_line(result: Quantized) -> str:
    """Where the ranges come from, and what they are."""
    inputs = "; ".join(
        f"{model.safe_name(name)} {shape} from {low:.4g} to {high:.4g}"
        for (name, shape), (low, high) in zip(
            result.shapes.items(), result.ranges.values(), strict=True
        )
    )
    return f"Ranges from {result.samples:,} samples of {result.source}: {inputs}."


def loss_line(result: Quantized) -> str | None:
    """What to say where int8 costs more than a point of accuracy."""
    lost = result.lost_points
    if lost is None or lost <= POINTS_MOST:
        return None
    return (
        f"int8 costs {lost:.1f} points of accuracy. Quantization-aware training could win some "
        "back, but no maintained library does it for Keras 3 (docs/quantize.md says what helps)."
    )


def layer_cells(layer: LayerError) -> tuple[str, ...]:
    """A row of the table of layers."""
    return (
        f"{layer.index} {layer.operator}",
        layer.name,
        "x".join(map(str, layer.shape)) or "1",
        "exact" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}",
        "" if layer.lost_db is None else f"{layer.lost_db:.1f}",
    )


def _end(what: str, result: Quantized, index: int) -> tuple[str, ...]:
    tensor = result.graph.tensors[index]
    terms = tensor.quantization
    return (
        what,
        model.safe_name(tensor.name),
        tensor.dtype.value,
        "x".join(map(str, tensor.shape)),
        f"{terms.scale:.9g}" if terms else "",
        str(terms.zero_point) if terms else "",
    )
