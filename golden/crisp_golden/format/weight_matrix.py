"""The weight matrix view of a convolution, on which patterns and formats are defined.

``W[K, R]`` has one row per output channel; its reduction axis is ordered tap-major, channel-minor: column
``tap * C + c`` belongs to tap ``ky * kw + kx`` and input channel ``c``. K and C are padded with zeros to
the block's edge, so that blocks and M-groups never straddle two taps.
"""

import math

import numpy as np

from crisp_spec.errors import PatternError

MAX_WEIGHTS = 1 << 28
"""Weights of one padded matrix, twice those of VGG-16's largest layer."""


def require_bounded(shape: tuple[int, int, int, int], block: int) -> None:
    """Check that the padded matrix of a weight tensor fits the memory, before it is made.

    Its size is not bounded by that of its packed form, which may have no block at all.

    Raises
    ------
    PatternError : it has more than `MAX_WEIGHTS` weights.
    """
    weights = math.prod(block_grid(shape, block)) * block**2
    if weights > MAX_WEIGHTS:
        raise PatternError(
            f"weights of shape {shape} in blocks of {block} are {weights:,} with their padding, "
            f"expected at most {MAX_WEIGHTS:,}"
        )


def weight_matrix(weight: np.ndarray, block: int) -> np.ndarray:
    """The padded matrix of a weight tensor.

    Parameters
    ----------
    weight : any dtype, [K, C, kh, kw]; of a grouped layer, first `expand_groups`.
    block : edge B of the blocks.

    Returns
    -------
    ``W[Kp, kh * kw * Cp]`` with Kp and Cp the next multiples of B.
    """
    channels, inputs = weight.shape[:2]
    padded = np.pad(weight, ((0, -channels % block), (0, -inputs % block), (0, 0), (0, 0)))
    return padded.transpose(0, 2, 3, 1).reshape(len(padded), -1)


def weight_from_matrix(matrix: np.ndarray, shape: tuple[int, int, int, int]) -> np.ndarray:
    """Inverse of `weight_matrix`: cut the padding off.

    Parameters
    ----------
    matrix : [Kp, kh * kw * Cp].
    shape : (K, C, kh, kw) of the weight tensor.
    """
    channels, inputs, kh, kw = shape
    padded = matrix.reshape(len(matrix), kh, kw, -1).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(padded[:channels, :inputs])


def block_grid(shape: tuple[int, int, int, int], block: int) -> tuple[int, int]:
    """Blocks along K and along the reduction of a weight tensor of this shape, (Kp / B, kh * kw * Cp / B)."""
    channels, inputs, kh, kw = shape
    return -(-channels // block), kh * kw * -(-inputs // block)


def expand_groups(weight: np.ndarray, groups: int) -> np.ndarray:
    """A grouped convolution's weight as the block-diagonal weight of an ungrouped one.

    Parameters
    ----------
    weight : [K, C / groups, kh, kw].

    Returns
    -------
    [K, C, kh, kw], zero wherever the output channel's group does not read the input channel.
    """
    if groups == 1:
        return weight
    channels, per_group, kh, kw = weight.shape
    full = np.zeros((channels, groups, per_group, kh, kw), weight.dtype)
    group = np.arange(channels) // (channels // groups)
    full[np.arange(channels), group] = weight
    return full.reshape(channels, groups * per_group, kh, kw)


def equal_block_rows(block_mask: np.ndarray) -> np.ndarray:
    """Keep more blocks, the lowest-numbered first, until every block-row keeps as many as the fullest.

    Parameters
    ----------
    block_mask : bool[block rows, block columns].
    """
    kept = block_mask.sum(axis=1, keepdims=True)
    rank_of_dropped = np.cumsum(~block_mask, axis=1)
    return block_mask | (rank_of_dropped <= kept.max() - kept)
