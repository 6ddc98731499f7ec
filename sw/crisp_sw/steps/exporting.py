"""The export step: models in formats that other tools read, and quantized networks of others in ours."""

from pathlib import Path
from typing import Any

from crisp_golden.errors import CrispError
from crisp_golden.network import QuantizedConv, QuantizedNetwork
from crisp_sw.export import save_network
from crisp_sw.export.pruned import load_pruned
from crisp_sw.export.state_dict import PICKLED, SAFETENSORS, save_state_dict
from crisp_sw.network_source import is_quantized, open_network
from crisp_sw.qdq import export_onnx, is_onnx_file


class ExportError(CrispError):
    """A model cannot be written in the format that its new name stands for."""


def export_model(source: str, out: Path) -> dict[str, Any]:
    """Write a model in the format that the name ``out`` stands for.

    A float model, pruned or not, becomes a plain state dict; a packed network a QDQ ONNX file; an ONNX file a
    packed network.

    Parameters
    ----------
    source : a checkpoint, a pruned model, a packed network or an ONNX file.

    Returns
    -------
    JSON types: ``format``, ``bytes``, and the number of tensors or layers.

    Raises
    ------
    ExportError : the format does not suit the model. Nothing is written.
    CrispError : the source cannot be read, or the network cannot be said in ONNX.
    """
    if not is_quantized(source):
        return _float(source, out)
    if is_onnx_file(source) == is_onnx_file(out) or (out.suffix in (SAFETENSORS, *PICKLED)):
        expected = "a directory" if is_onnx_file(source) else "a name that ends in .onnx"
        raise ExportError(f"{out}: {source} is a quantized network; expected {expected}")
    network, metadata = open_network(source)
    if is_onnx_file(out):
        export_onnx(network, out, metadata)
        size = out.stat().st_size
    else:
        save_network(network, out, metadata)
        size = sum(path.stat().st_size for path in out.iterdir())
    return {"format": "qdq-onnx" if is_onnx_file(out) else "packed", "bytes": size, **_layers(network)}


def _float(source: str, out: Path) -> dict[str, Any]:
    pruned = load_pruned(source)
    if is_onnx_file(out):
        raise ExportError(
            f"{out}: {source} is a float model, and ONNX goes out quantized; expected the network that "
            "`crisp quantize` makes of it"
        )
    size = save_state_dict(pruned.model, out)
    state = pruned.model.state_dict()
    return {
        "format": "state-dict",
        "model": pruned.info.model,
        "bytes": size,
        "tensors": len(state),
        "weights": sum(tensor.numel() for tensor in pruned.model.parameters()),
        "zeros": sum(int((tensor == 0).sum()) for tensor in pruned.model.parameters()),
    }


def _layers(network: QuantizedNetwork) -> dict[str, int]:
    layers = [node.layer for node in network.nodes]
    sparse = [layer for layer in layers if isinstance(layer, QuantizedConv) and layer.pattern is not None]
    return {"layers": len(layers), "sparse_layers": len(sparse)}
