"""Plain PyTorch state dicts: weights by parameter name, and nothing that only this project understands."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard
from zipfile import ZipFile, is_zipfile

import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor, nn

from crisp_files.atomic_files import write_bytes
from crisp_files.input_files import open_regular
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.tensor_files import separate
from crisp_sw.modules.plain_state_dict import state_tensors, with_masks_applied
from crisp_sw.modules.wrappers import unwrapped

SAFETENSORS = ".safetensors"
PICKLED = (".pt", ".pth", ".bin")  # torch's own format, which is read without running anything in it
NESTS = ("state_dict", "model_state_dict", "model", "module")
"""Where training scripts keep the state dict, beside the optimizer's and others."""
LEVELS, LISTED = 3, 5
MOST_EXPANSION = 32
"""Bytes for each byte of a file; torch itself does not compress."""


def save_state_dict(model: nn.Module, path: Path) -> int:
    """Write the weights of ``model``, pruned ones as zeros, also where masks are on; return the file's bytes.

    The suffix chooses the format: safetensors, or torch's own for ``.pt`` and ``.pth``. Tied weights are
    written once for each of their names.

    Raises
    ------
    CheckpointError : the suffix is another one, or the model's state is no tensors alone. Nothing is written.
    """
    plain = with_masks_applied(state_tensors(unwrapped(model)))
    tensors = separate({name: value.cpu() for name, value in plain.items()})
    if path.suffix == SAFETENSORS:
        data = serialise(tensors)
    elif path.suffix in PICKLED:
        buffer = io.BytesIO()
        torch.save(tensors, buffer)
        data = buffer.getvalue()
    else:
        raise CheckpointError(f"{path}: expected a name that ends in {', '.join((SAFETENSORS, *PICKLED))}")
    write_bytes(path, data)
    return len(data)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a state dict: safetensors, or torch's own format with nothing but tensors in it.

    Raises
    ------
    CheckpointError : the file is absent, damaged, or holds anything else.
    """
    try:
        open_regular(path).close()
        loaded = load_file(path) if path.suffix == SAFETENSORS else _load_pickled(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except MemoryError:
        raise
    except Exception as error:  # what is unpickled is a program, whose faults raise nearly anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path}: not a readable state dict ({reason})") from error
    found = _within(loaded)
    if not _is_state_dict(found):
        entries = f", not {', '.join(map(repr, list(found)[:LISTED]))}" if isinstance(found, Mapping) else ""
        raise CheckpointError(f"{path}: expected a state dict, tensors by parameter name{entries}")
    return dict(found)


def _is_state_dict(found: object) -> TypeGuard[Mapping[str, Tensor]]:
    if not isinstance(found, Mapping):
        return False
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items())


def _load_pickled(path: Path) -> object:
    if is_zipfile(path):
        _require_expansion(path)
    return torch.load(path, weights_only=True, map_location="cpu")


def _require_expansion(path: Path) -> None:
    with ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    most = MOST_EXPANSION * path.stat().st_size
    if size > most:
        raise ValueError(f"it unpacks to {size} bytes; expected at most {most}")


def _within(loaded: object) -> object:
    """What lies in the nests of a training script's file."""
    for _ in range(LEVELS):
        nested = [loaded[key] for key in NESTS if key in loaded] if isinstance(loaded, Mapping) else []
        loaded = next((value for value in nested if isinstance(value, Mapping)), loaded)
    return loaded
