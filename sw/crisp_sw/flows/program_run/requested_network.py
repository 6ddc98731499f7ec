"""The network that a run is about: quantized, pruned or trained already, or a model by its name."""

from dataclasses import dataclass
from pathlib import Path

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import find_checkpoint, load_checkpoint
from crisp_sw.exchange.model_files import is_checkpoint_directory
from crisp_sw.exchange.onnx import is_onnx_file
from crisp_sw.flows.inputs.integer_network import open_integer_network
from crisp_sw.flows.program_run.network_options import SHAPE, NetworkOptions
from crisp_sw.flows.program_run.program_cache import network_digest
from crisp_sw.models import MODELS
from crisp_sw.models.torchvision_models import is_torchvision_name
from crisp_sw.synthetic import NetworkSettings, cached_network, network_key
from crisp_sw.synthetic.errors import NetworkSettingsError

_KINDS = {"packed": "a packed network", "onnx": "an ONNX file", "float": "a pruned model"}


@dataclass(frozen=True, kw_only=True)
class RequestedNetwork:
    """A network, and where it comes from.

    Attributes
    ----------
    kind : where it comes from, for people.
    key : changes with anything in the network; fit for a file name.
    settings : that it was built with; None if it had a pattern already.
    """

    network: QuantizedNetwork
    kind: str
    key: str
    settings: NetworkSettings | None = None


def open_requested(name: str, options: NetworkOptions, *, seed: int = 0, m: int = 4) -> RequestedNetwork:
    """Open or build a network.

    Parameters
    ----------
    name : path of a packed network, an ONNX file, a pruned model or a checkpoint; or else the name of a
        shipped checkpoint or of a model.
    seed : of random weights, and of the images that a network is quantized with.
    m : group size of the patterns that are looked for in an ONNX file, that of the core.

    Raises
    ------
    CrispError : there is no such network, it is damaged, or an option does not apply to it.
    """
    path = Path(name)
    if is_onnx_file(path) or (path.is_dir() and not is_checkpoint_directory(path)):
        found = open_integer_network(name, m=m)
        options.refuse(f"{name} is {_KINDS[found.kind]}, with a pattern and a shape of its own")
        key = f"{path.resolve().stem}-{network_digest(found.network)[:16]}"
        return RequestedNetwork(network=found.network, kind=_KINDS[found.kind], key=key)
    if _is_model_name(name) and not path.exists():
        weights = "random weights" if options.weights is None else f"weights of {options.weights}"
        settings = options.model_settings(name, seed)
    else:
        weights, settings = "weights of a checkpoint", _checkpoint_settings(name, options, seed)
        options.refuse(f"{name} is a checkpoint, with a shape and weights of its own", SHAPE)
    return RequestedNetwork(
        network=cached_network(settings),
        kind=f"{weights}, pruned by magnitude",
        key=network_key(settings),
        settings=settings,
    )


def _is_model_name(name: str) -> bool:
    return name.lower().replace("_", "-") in MODELS or is_torchvision_name(name)


def _checkpoint_settings(name: str, options: NetworkOptions, seed: int) -> NetworkSettings:
    """The weights of a checkpoint, and the shape that its header names."""
    try:
        path = find_checkpoint(name)
    except CheckpointError as error:
        raise CheckpointError(f"{error}, or one of the models {', '.join(MODELS)}") from error
    try:
        _, info = load_checkpoint(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; expected a checkpoint of `crisp train`, "
            f"or the name of a model and its plain state dict as `--weights {path}`"
        ) from error
    height, width = info.image_size
    if height != width:
        raise NetworkSettingsError(f"{path}: images of {height} x {width} pixels; expected square ones")
    return NetworkSettings(
        model=info.model,
        image_size=height,
        in_channels=info.in_channels,
        num_classes=info.num_classes,
        rules=options.rules(),
        seed=seed,
        weights=path,
    )
