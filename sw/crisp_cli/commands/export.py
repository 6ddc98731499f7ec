"""``crisp export``: models as other tools read them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_cli.options import AsJson, command_line
from crisp_cli.terminal import emit, results, say_next, show_figures
from crisp_sw.report.numbers import percent, size

if TYPE_CHECKING:
    from crisp_sw.results.steps import ExportStep

_IN_PYTHON = {
    "state-dict": "in PyTorch: model.load_state_dict({loader}({file!r}))",
    "qdq-onnx": "in Python: onnxruntime.InferenceSession({file!r})",
}


def export(
    source: Annotated[
        str, typer.Argument(help="Checkpoint, pruned model, packed network, or QDQ ONNX file.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File, whose suffix chooses the format, or new directory.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write a model in a format that other tools read, or read a network of theirs.

    - a checkpoint or a pruned model to `.safetensors` or `.pth`: a plain PyTorch state dict, with zeros where
      weights were pruned.
    - a packed network to `.onnx`: ONNX with QuantizeLinear and DequantizeLinear (QDQ), int8 weights per
      output channel and int8 activations. It has the same integers, so that it can be compiled again.
    - a QDQ `.onnx` file to a directory: a packed network, with the sparsity patterns that are found in it.

    Figures and a summary go beside a file, as `<file>.json` and `<file>.md`. A name without suffix is that of
    a directory, which has all of it, and the masks of a pruned model.

    Examples:

    - `crisp export build/pruned --out pruned.safetensors`
    - `crisp export build/pruned --out build/exported`
    - `crisp export build/network --out network.onnx`
    - `crisp export theirs.onnx --out build/theirs`
    """
    from crisp_sw.flows.steps.export_step import export_model

    figures = replace(export_model(source, out, command=command_line()), out=str(out))
    emit(figures, as_json, lambda: _show(out, figures))


def _show(out: Path, figures: "ExportStep") -> None:
    from crisp_sw.exchange.state_dict import PICKLED

    shown = {"format": figures.format, "size": size(figures.bytes)}
    if figures.zeros is not None and figures.weights:
        zeros = percent(figures.zeros / figures.weights)
        shown["tensors"] = f"{figures.tensors}, {zeros} of all parameters are 0"
    else:
        shown["layers"] = f"{figures.layers}, {figures.sparse_layers} of them sparse"
    show_figures(f"Wrote {out}", shown)
    file = figures.file
    loader = "torch.load" if file.endswith(PICKLED) else "safetensors.torch.load_file"
    if figures.format in _IN_PYTHON:
        results.print(_IN_PYTHON[figures.format].format(file=file, loader=loader))
    if figures.format != "state-dict":
        say_next("inspect", file)
        say_next("compile", file)
