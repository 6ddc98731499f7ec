"""Anything that can be looked at as an integer network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_spec.errors import CrispError
from crisp_sw.exchange.model_files import MODEL_FILE, is_checkpoint_directory, is_pruned_model
from crisp_sw.exchange.network_source import is_quantized, open_network
from crisp_sw.exchange.onnx import is_onnx_file
from crisp_sw.exchange.packed import GRAPH_FILE

if TYPE_CHECKING:
    from crisp_sw.exchange.pruned_model import PrunedModel

STAND_IN_IMAGES = 4
_NOTE = "a float model, quantized with random images: patterns and cycles hold, its ranges mean nothing"


class InspectionError(CrispError):
    """There is nothing that can be looked at."""


@dataclass(frozen=True, kw_only=True)
class OpenedNetwork:
    """An integer network, and where it comes from.

    Attributes
    ----------
    note : what is to be known about the figures; may be empty.
    """

    network: QuantizedNetwork
    kind: Literal["packed", "onnx", "float"]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def open_integer_network(path: str, *, m: int = 4) -> OpenedNetwork:
    """Open a packed network, an ONNX file, a pruned model or a checkpoint.

    A float model is quantized with random images, which changes neither its pattern nor its cycles, except
    that tiny weights may round to zero.

    Parameters
    ----------
    m : group size of the patterns that are looked for in an ONNX file.

    Raises
    ------
    CrispError : nothing is there, it is damaged, or has something that the core cannot express.
    """
    if is_quantized(path):
        network, metadata = open_network(path, m=m)
        return OpenedNetwork(
            network=network, kind="onnx" if is_onnx_file(path) else "packed", metadata=metadata
        )
    if Path(path).is_dir() and not (is_pruned_model(Path(path)) or is_checkpoint_directory(Path(path))):
        raise InspectionError(
            f"{path}: neither a packed network ({GRAPH_FILE}) nor a pruned or trained model ({MODEL_FILE})"
        )
    return _float_model(path)


def _float_model(path: str) -> OpenedNetwork:
    """A model that is quantized first, for which PyTorch is imported."""
    from crisp_sw.exchange.pruned_model import load_pruned

    pruned = load_pruned(path)
    return OpenedNetwork(network=_stand_in(pruned), kind="float", metadata=dict(pruned.figures), note=_NOTE)


def _stand_in(pruned: "PrunedModel") -> QuantizedNetwork:
    from crisp_sw.quantize import QuantizeSettings, quantize_model
    from crisp_sw.synthetic import random_images

    shape = (pruned.info.in_channels, *pruned.info.image_size)
    return quantize_model(
        pruned.model,
        random_images(STAND_IN_IMAGES, shape, seed=0),
        classes=pruned.info.classes,
        patterns=pruned.patterns,
        settings=QuantizeSettings(method="minmax", batch=STAND_IN_IMAGES),
    )
