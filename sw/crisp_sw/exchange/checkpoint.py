"""Checkpoints: one safetensors file with the weights and, in its header, all that is needed to use them.

The header's entry ``crisp`` is the JSON of a `CheckpointInfo`. Nothing in the file is ever executed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from crisp_files.input_files import open_regular
from crisp_files.json_toml import parse_json
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint_info import CheckpointInfo
from crisp_sw.exchange.model_files import MODEL_FILE, is_checkpoint_directory
from crisp_sw.exchange.tensor_files import write_safetensors
from crisp_sw.models import build_model
from crisp_sw.modules.plain_state_dict import (
    plain_state_dict,
    state_tensors,
    why_names_differ,
    with_masks_applied,
)
from crisp_sw.modules.wrappers import unwrapped

HEADER_KEY = "crisp"
LISTED_MISMATCHES = 5


def save_checkpoint(path: Path, model: nn.Module, info: CheckpointInfo, *, compact: bool = False) -> None:
    """Write weights, without wrappers and masked ones as zeros, and header to ``path``, by a temporary name.

    Parameters
    ----------
    compact : round the weights of convolutions and linear layers to bfloat16, which halves the file.
        `load_checkpoint` gives float32 either way.

    Raises
    ------
    CheckpointError : the model's state is no tensors alone.
    """
    tensors = with_masks_applied(state_tensors(unwrapped(model)))
    if compact:
        tensors = {
            name: value.bfloat16() if value.is_floating_point() and value.dim() > 1 else value
            for name, value in tensors.items()
        }
    write_tensors(path, tensors, asdict(info))


def load_checkpoint(path: str | Path) -> tuple[nn.Module, CheckpointInfo]:
    """Build the network that the checkpoint names, with its weights, in evaluation mode.

    Parameters
    ----------
    path : a file, or the name of a checkpoint that comes with the package ("small_resnet_fashion_mnist").

    Raises
    ------
    CheckpointError : the file is absent, damaged, no CRISP checkpoint, does not fit the named network, or has
        weights that are not finite.
    """
    path = find_checkpoint(path)
    tensors, header = read_tensors(path)
    info = _parse_info(path, header)
    sizes = {"in_channels": info.in_channels, "num_classes": info.num_classes}
    with torch.device("meta"):  # what a header asks for is only allocated if the weights are there, too
        _fitting_tensors(build_model(info.model, **sizes), tensors, source=path)
    model = build_model(info.model, **sizes)
    load_weights(model, tensors, source=path)
    return model.eval(), info


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], *, source: str | Path) -> None:
    """Copy tensors into a network after checking that names and shapes are the same, and values usable.

    Names may be those of a wrapped or masked network, see `plain_state_dict`.

    Raises
    ------
    CheckpointError : they are not; the message has the cause, if names tell, and the first differences, or
        names the first tensor that is NaN or infinite or a negative variance. The network is unchanged.
    """
    tensors = _fitting_tensors(model, tensors, source=source)
    parameters = dict(model.named_parameters())
    for name, value in tensors.items():
        if name in parameters and parameters[name].is_floating_point() and not value.is_floating_point():
            raise CheckpointError(f"{source}: {name!r} is {value.dtype}; expected real numbers")
        _require_usable(name, value, is_parameter=name in parameters, source=source)
    model.load_state_dict(tensors)


def _fitting_tensors(
    model: nn.Module, tensors: Mapping[str, Tensor], *, source: str | Path
) -> dict[str, Tensor]:
    """The tensors under the names of ``model``, which has these names and shapes."""
    _require_tensors(tensors, source=source)
    own = state_tensors(model)
    tensors = plain_state_dict(tensors, own)
    expected = {name: tuple(value.shape) for name, value in own.items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    differences = [
        f"{name}: {found.get(name, 'absent')} instead of {expected.get(name, 'absent')}"
        for name in [*expected, *(name for name in found if name not in expected)]
        if found.get(name) != expected.get(name)
    ]
    if differences:
        if len(differences) > LISTED_MISMATCHES:
            differences[LISTED_MISMATCHES:] = [f"and {len(differences) - LISTED_MISMATCHES} more"]
        cause = why_names_differ(found, expected)
        listed = "; ".join(differences if cause is None else [cause, *differences])
        raise CheckpointError(f"{source} does not fit {type(model).__name__}: {listed}")
    return tensors


def find_checkpoint(path: str | Path) -> Path:
    """Return ``path`` if it is a file, the one in it if it is a directory, or the shipped one of that name.

    Raises
    ------
    CheckpointError : there is neither; the message lists the shipped ones.
    """
    if Path(path).is_file():
        return Path(path)
    if is_checkpoint_directory(Path(path)):
        return Path(path) / MODEL_FILE
    folder = Path(str(resources.files("crisp_sw") / "checkpoints"))
    shipped = {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
    if str(path) in shipped:
        return shipped[str(path)]
    raise CheckpointError(f"no checkpoint {str(path)!r}; expected a file or one of: {', '.join(shipped)}")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header as safetensors, by way of a temporary name."""
    write_safetensors(path, tensors, {HEADER_KEY: json.dumps(header, sort_keys=True)})


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and JSON header of a file made by `write_tensors`.

    Raises
    ------
    CheckpointError : the file is absent, damaged, or has no such header.
    """
    try:
        open_regular(path).close()
        with safe_open(path, framework="pt") as file:
            header = parse_json((file.metadata() or {})[HEADER_KEY])
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: no valid entry {HEADER_KEY!r} in the safetensors header") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path}: entry {HEADER_KEY!r} must be an object, not {header!r}")
    return tensors, header


def _require_tensors(tensors: Any, *, source: str | Path) -> None:
    """Raise CheckpointError unless ``tensors`` are tensors by name, whose values are numbers in memory."""
    if not isinstance(tensors, Mapping):
        raise CheckpointError(f"{source}: a {type(tensors).__name__}; expected tensors by name")
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            found = f"holds a {type(value).__name__}; expected a tensor under a name"
        elif value.is_meta:
            found = "is on the meta device, without values"
        elif value.layout != torch.strided or value.is_quantized:
            found = f"is {'quantized' if value.is_quantized else value.layout}; expected a dense tensor"
        elif value.is_complex() or (value.is_floating_point() and value.element_size() < 2):
            found = f"is {value.dtype}; expected float16, bfloat16, float32 or float64"
        else:
            continue
        raise CheckpointError(f"{source}: {name!r} {found}")


def _require_usable(name: str, value: Tensor, *, is_parameter: bool, source: str | Path) -> None:
    """Raise CheckpointError for NaN, infinities and negative variances.

    Buffers may hold infinities on purpose, such as those of attention masks.
    """
    layer, _, what = name.rpartition(".")
    statistic = what in ("running_mean", "running_var")
    if bool(value.isnan().any()):
        found, expected = "NaN", "finite numbers"
    elif (is_parameter or statistic) and bool(value.isinf().any()):
        found, expected = "infinite values", "finite numbers"
    elif what == "running_var" and bool((value < 0).any()):
        found, expected = f"{value.min():g}", "variances of 0 or more"
    else:
        return
    raise CheckpointError(
        f"{source}: the {what} of {layer!r} holds {found}; expected {expected}: check the checkpoint"
    )


def _parse_info(path: Path, header: dict[str, Any]) -> CheckpointInfo:
    known = {item.name for item in fields(CheckpointInfo)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in header.items()
        if name in known
    }
    try:
        return CheckpointInfo(**values)
    except (TypeError, CheckpointError) as error:
        raise CheckpointError(f"{path}: not the header of a model checkpoint ({error})") from error
