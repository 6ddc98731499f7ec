"""Layout of a packed network on disk: file names, version, and how layers become JSON and tensors.

A network is a directory of two files, and a summary for people if there is one. ``network.json`` has the
graph, every scalar and the SHA-256 of ``tensors.safetensors``, which has the arrays. Weights of pruned layers
are stored in the packed hybrid format, so that the file is as small as the network.
"""

from typing import Any

import numpy as np

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv, ResidualInput
from crisp_golden.format.hybrid import decode, encode
from crisp_golden.format.hybrid_bytes import from_bytes, to_bytes
from crisp_golden.format.weight_matrix import expand_groups
from crisp_spec.errors import CrispError, PatternError

FORMAT = "crisp-network"
VERSION = 1
GRAPH_FILE = "network.json"
TENSOR_FILE = "tensors.safetensors"
SUMMARY_FILE = "summary.md"

Tensors = dict[str, np.ndarray]
_SCALARS = ("stride", "groups", "x_zero_point", "y_zero_point", "q_min", "q_max")
_MAX_POOL = ("kernel", "stride", "padding")


class NetworkFileError(CrispError):
    """A packed network is absent, damaged, of another version, or would overwrite something else."""


def describe_layer(layer: QuantizedConv | MaxPool) -> dict[str, Any]:
    """Everything about a layer but its arrays, as JSON types."""
    if isinstance(layer, MaxPool):
        return {"kind": "max_pool", "name": layer.name, **{key: getattr(layer, key) for key in _MAX_POOL}}
    return {
        "kind": "conv",
        "name": layer.name,
        "packed": layer.pattern is not None,
        "padding": list(layer.padding),
        **{key: getattr(layer, key) for key in _SCALARS},
        "residual_zero_point": None if layer.residual is None else layer.residual.zero_point,
    }


def layer_tensors(layer: QuantizedConv | MaxPool) -> Tensors:
    """The arrays of a layer by name; a pruned weight as the bytes of its hybrid format.

    Raises
    ------
    PatternError : the weight does not have the pattern that the layer claims.
    """
    if isinstance(layer, MaxPool):
        return {}
    tensors = {"bias": layer.bias, "multiplier": layer.multiplier, "shift": layer.shift}
    if layer.pattern is None:
        tensors["weight"] = layer.weight
    else:
        matrix = encode(expand_groups(layer.weight, layer.groups), layer.pattern)
        tensors["packed_weight"] = np.frombuffer(to_bytes(matrix), np.uint8)
    if layer.residual is not None:
        tensors["residual_multiplier"] = layer.residual.multiplier
        tensors["residual_shift"] = layer.residual.shift
    return {f"{layer.name}.{key}": np.ascontiguousarray(value) for key, value in tensors.items()}


def build_layer(entry: dict[str, Any], tensors: Tensors, channels: int | None) -> QuantizedConv | MaxPool:
    """Inverse of `describe_layer` and `layer_tensors`; takes the arrays it uses out of ``tensors``.

    Parameters
    ----------
    channels : of the tensor that the layer reads, if it is known. Packed weights must be for them, and for
        as many outputs as there are biases, before they are unpacked.

    Raises
    ------
    KeyError : an entry or an array is missing; TypeError : a scalar has another type.
    PatternError : packed weights are corrupt, or of another layer.
    """
    name = entry["name"]
    if entry["kind"] == "max_pool":
        return MaxPool(name=name, **{key: integer(entry[key]) for key in _MAX_POOL})
    if entry["kind"] != "conv":
        raise TypeError(f"layer {name!r} is of kind {entry['kind']!r}, expected conv or max_pool")

    def take(key: str) -> np.ndarray:
        return tensors.pop(f"{name}.{key}")

    bias, residual, pattern = take("bias"), None, None
    if entry["residual_zero_point"] is not None:
        residual = ResidualInput(
            zero_point=integer(entry["residual_zero_point"]),
            multiplier=take("residual_multiplier"),
            shift=take("residual_shift"),
        )
    if entry["packed"]:
        matrix = from_bytes(take("packed_weight").tobytes())
        expected = len(bias), matrix.shape[1] if channels is None else channels
        if matrix.shape[:2] != expected:
            raise PatternError(
                f"layer {name!r} has packed weights of shape {matrix.shape}, expected {expected[0]} outputs "
                f"as of its bias and {expected[1]} inputs"
            )
        weight, pattern = _diagonal_blocks(decode(matrix), integer(entry["groups"])), matrix.pattern
    else:
        weight = take("weight")
    above, left = entry["padding"]
    return QuantizedConv(
        name=name,
        weight=weight,
        bias=bias,
        multiplier=take("multiplier"),
        shift=take("shift"),
        padding=(integer(above), integer(left)),
        residual=residual,
        pattern=pattern,
        **{key: integer(entry[key]) for key in _SCALARS},
    )


def _diagonal_blocks(full: np.ndarray, groups: int) -> np.ndarray:
    """Inverse of `expand_groups`: [K, C, kh, kw] -> [K, C / groups, kh, kw]."""
    channels, inputs, kh, kw = full.shape
    if groups < 1 or channels % groups or inputs % groups:
        raise TypeError(f"groups must divide {channels} output and {inputs} input channels, not be {groups}")
    group = np.arange(channels) // (channels // groups)
    return full.reshape(channels, groups, inputs // groups, kh, kw)[np.arange(channels), group]


def integer(value: Any) -> int:
    """Return ``value``; raise TypeError unless it is an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not an integer")
    return value
