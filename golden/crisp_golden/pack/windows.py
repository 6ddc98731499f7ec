"""A layer's weights as the array sees them: row tiles, kept windows and weight slots.

A *row tile* is ``rows`` output channels, a *window* what one tap reads for ``word_channels`` input channels.
A window is kept for a row tile if any kept block of those rows touches it; what the block size and the array
size are to each other does not matter. Grouped and depthwise layers appear as the block-diagonal matrix that
they are.
"""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_spec.config import CoreConfig


@dataclass(frozen=True, kw_only=True)
class WindowedWeights:
    """Weights of one layer, padded to whole row tiles and windows.

    Attributes
    ----------
    kept : bool[row tiles, taps * channel blocks], windows that the array visits; at least one per row tile.
    weights : int8[row tiles, rows, taps * channel blocks, lanes, m]; None if the layer has none.
    n : largest number of non-zeros in any M-group, at least 1.
    """

    kept: np.ndarray
    weights: np.ndarray | None
    n: int

    @property
    def row_tiles(self) -> int:
        """Tiles of ``rows`` output channels."""
        return self.kept.shape[0]

    @property
    def windows_per_tile(self) -> np.ndarray:
        """int[row tiles], kept windows of each row tile."""
        return self.kept.sum(axis=1)


def window_weights(config: CoreConfig, layer: QuantizedConv) -> WindowedWeights:
    """Cut the weights of ``layer`` into row tiles and windows."""
    k, _, kh, kw = layer.weight.shape
    taps, blocks = kh * kw, -(-layer.in_channels // config.word_channels)
    tiles = -(-k // config.rows)
    matrix = np.zeros((tiles * config.rows, taps, blocks * config.word_channels), np.int8)
    allowed = np.zeros(matrix.shape, bool)
    _place_weights(layer, matrix, allowed)
    if layer.pattern is not None:
        allowed &= _kept_weights(layer, matrix.shape)
    windows = np.any(allowed.reshape(tiles, config.rows, taps * blocks, config.word_channels), axis=3)
    kept = np.any(windows, axis=1)
    kept[~kept.any(axis=1), 0] = True
    grouped = matrix.reshape(tiles, config.rows, taps * blocks, config.lanes, config.m)
    return WindowedWeights(kept=kept, weights=grouped, n=max(1, _largest_count(grouped)))


def _place_weights(layer: QuantizedConv, matrix: np.ndarray, allowed: np.ndarray) -> None:
    """Write the weights into ``matrix`` [K padded, taps, C padded], and where they are into ``allowed``."""
    k, local, kh, kw = layer.weight.shape
    flat = layer.weight.transpose(0, 2, 3, 1).reshape(k, kh * kw, local)
    if layer.groups == 1:
        matrix[:k, :, :local] = flat
        allowed[:k, :, :local] = True
        return
    first = np.arange(k) // (k // layer.groups) * local
    channel = (first[:, None] + np.arange(local))[:, None, :]
    row, tap = np.arange(k)[:, None, None], np.arange(kh * kw)[None, :, None]
    matrix[row, tap, channel] = flat
    allowed[row, tap, channel] = True


def _largest_count(groups: np.ndarray) -> int:
    """Largest number of non-zeros along the last axis, which is short: its slices are added as a whole."""
    count = np.zeros(groups.shape[:-1], np.uint8)
    for position in range(groups.shape[-1]):
        count += groups[..., position] != 0
    return int(count.max())


def _kept_weights(layer: QuantizedConv, shape: tuple[int, ...]) -> np.ndarray:
    """bool[K padded, taps, C padded]: the weights inside kept blocks."""
    pattern = layer.pattern
    assert pattern is not None
    rows, taps, channels = shape
    mask = np.asarray(pattern.block_mask, bool).reshape(pattern.block_mask.shape[0], taps, -1)
    mask = mask.repeat(pattern.block, axis=0).repeat(pattern.block, axis=2)
    mask = np.pad(mask, ((0, max(0, rows - mask.shape[0])), (0, 0), (0, max(0, channels - mask.shape[2]))))
    return mask[:rows, :, :channels]


def weight_slots(weights: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and group indices of the weight slots.

    Parameters
    ----------
    weights : int8[..., m], at most ``n`` non-zeros along the last axis.

    Returns
    -------
    int8[..., n] values and uint8[..., n] group indices, non-zeros first in ascending order; the unused slots
    hold value 0.
    """
    order = np.argsort(weights == 0, axis=-1, kind="stable")[..., :n]
    return np.take_along_axis(weights, order, axis=-1), order.astype(np.uint8)
