"""The export step: models in formats that other tools read, and quantized networks of others in ours."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from crisp_files.atomic_directories import new_directory
from crisp_files.atomic_files import require_new_file, write_bytes
from crisp_files.documents import write_document
from crisp_files.json_values import to_json
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_spec.errors import CrispError
from crisp_sw.exchange.checkpoint import write_tensors
from crisp_sw.exchange.model_files import MASK_FILE, MODEL_FILE
from crisp_sw.exchange.network_source import is_quantized, open_network
from crisp_sw.exchange.onnx import export_onnx, is_onnx_file
from crisp_sw.exchange.onnx.library import onnx_library
from crisp_sw.exchange.packed import save_network
from crisp_sw.exchange.packed.save import packed_bytes
from crisp_sw.exchange.pruned_model import load_pruned, weight_masks
from crisp_sw.exchange.state_dict import PICKLED, SAFETENSORS, save_state_dict
from crisp_sw.flows.steps.step_directory import SUMMARY_FILE, require_free
from crisp_sw.report.step_summaries import export_summary
from crisp_sw.results.steps import ExportStep

EXPORT_FILE, ONNX_FILE = "export.json", "network.onnx"


class ExportError(CrispError):
    """A model cannot be written in the format that its new name stands for."""


def export_model(source: str, out: Path, *, command: str = "") -> ExportStep:
    """Write a model in the format that the name ``out`` stands for, with its figures and a summary.

    A float model, pruned or not, becomes a plain state dict; a packed network a QDQ ONNX file; an ONNX file a
    packed network. A name without suffix is that of a directory, with ``export.json``, a summary, and the
    masks of a pruned model. Beside a file lie ``<file>.json`` and ``<file>.md``.

    Parameters
    ----------
    source : a checkpoint, a pruned model, a packed network or an ONNX file.
    command : recorded in the figures.

    Raises
    ------
    ExportError : the format does not suit the model, or a file would be overwritten that is no older export.
        Nothing is written.
    OccupiedDirectoryError : so would a directory.
    CrispError : the source cannot be read, or the network cannot be said in ONNX.
    """
    if is_onnx_file(source):
        return _pack(source, out, command)
    prepare, name = (_onnx, ONNX_FILE) if is_quantized(source) else (_state_dict, MODEL_FILE)
    write = prepare(source, out)
    common = {"source": source, "command": command, "file": str(out if out.suffix else out / name)}
    if out.suffix:
        figures_file, summary_file = _require_new_or_older_export(source, out)
        with _all_or_none(out, figures_file, summary_file):
            figures = ExportStep(**common, **write(out))
            write_document(figures_file, figures)
            write_bytes(summary_file, export_summary(figures).encode())
        return figures
    require_free(out, "export", (ONNX_FILE, MODEL_FILE, MASK_FILE))
    with new_directory(out) as temporary:
        figures = ExportStep(**common, **write(temporary / name))
        write_document(temporary / EXPORT_FILE, figures)
        (temporary / SUMMARY_FILE).write_text(export_summary(figures), encoding="utf-8")
    return figures


def _require_new_or_older_export(source: str, out: Path) -> tuple[Path, Path]:
    """Return where figures and summary of an exported file go, after nothing else is there."""
    if Path(source).is_dir() and out.resolve().is_relative_to(Path(source).resolve()):
        raise ExportError(f"{out} lies in {source}, whose files belong together; expected another place")
    require_new_file(out)
    beside = out.with_name(f"{out.name}.json"), out.with_name(f"{out.name}.md")
    there = [path for path in (out, *beside) if path.exists()]
    if 0 < len(there) < 3:
        raise ExportError(
            f"{there[0]} exists and is no result of `crisp export`, which has figures and a summary beside "
            "it; expected a new name"
        )
    return beside


@contextmanager
def _all_or_none(*files: Path) -> Iterator[None]:
    """Remove new ones of ``files`` if the block fails: some of them alone would be no export."""
    new = [file for file in files if not file.exists()]
    try:
        yield
    except BaseException:  # Ctrl-C, too
        for file in new:
            with suppress(OSError):  # it is not there, or cannot be removed from where nothing can be written
                file.unlink()
        raise


def _state_dict(source: str, out: Path) -> Callable[[Path], dict[str, Any]]:
    """Check that a float model can go to ``out``, and return what writes it to a path."""
    pruned = load_pruned(source)
    if is_onnx_file(out):
        raise ExportError(
            f"{out}: {source} is a float model, and ONNX goes out quantized; expected the network that "
            "`crisp quantize` makes of it"
        )

    def write(path: Path) -> dict[str, Any]:
        size = save_state_dict(pruned.model, path)
        if pruned.patterns and not out.suffix:
            write_tensors(path.with_name(MASK_FILE), weight_masks(pruned.model, pruned.patterns), {})
        return {
            "format": "state-dict",
            "bytes": size,
            "tensors": len(pruned.model.state_dict()),
            "weights": sum(tensor.numel() for tensor in pruned.model.parameters()),
            "zeros": sum(int((tensor == 0).sum()) for tensor in pruned.model.parameters()),
            "model": pruned.info.model,
            "classes": pruned.info.classes,
            "checkpoint": to_json(pruned.info),
            "figures": dict(pruned.figures),
        }

    return write


def _onnx(source: str, out: Path) -> Callable[[Path], dict[str, Any]]:
    """Check that a packed network can go to ``out``, and return what writes it to a path."""
    if out.suffix and not is_onnx_file(out):
        raise ExportError(f"{out}: {source} is a quantized network; expected a name that ends in .onnx")
    onnx_library()
    network, metadata = open_network(source)

    def write(path: Path) -> dict[str, Any]:
        export_onnx(network, path, metadata)
        return {"format": "qdq-onnx", "bytes": path.stat().st_size, **_network_figures(network, metadata)}

    return write


def _pack(source: str, out: Path, command: str) -> ExportStep:
    if is_onnx_file(out) or out.suffix in (SAFETENSORS, *PICKLED):
        raise ExportError(f"{out}: {source} is a quantized network; expected a directory")
    network, metadata = open_network(source)
    figures = ExportStep(
        source=source,
        command=command,
        file=str(out),
        format="packed",
        bytes=packed_bytes(network),
        **_network_figures(network, metadata),
    )
    save_network(network, out, metadata, summary=export_summary(figures))
    return figures


def _network_figures(network: QuantizedNetwork, metadata: Mapping[str, Any]) -> dict[str, Any]:
    layers = [node.layer for node in network.nodes]
    sparse = [layer for layer in layers if isinstance(layer, QuantizedConv) and layer.pattern is not None]
    return {
        "layers": len(layers),
        "sparse_layers": len(sparse),
        "classes": network.classes,
        "figures": dict(metadata),
    }
