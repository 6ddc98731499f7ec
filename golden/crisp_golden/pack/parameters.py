"""Bytes that fill the memories on the chip for a range of a layer's row tiles.

The formats are those of ``crisp_spec.memories``; everything is padded to whole beats of the widest
bus, so that the parts of a program can follow each other in external memory.
"""

import numpy as np

from crisp_golden.pack.geometry import Band
from crisp_golden.pack.windows import weight_slots
from crisp_golden.pack.workload import Workload
from crisp_spec.commands import ALIGNMENT, COORDINATE_BITS, POSITION_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.errors import LayerError
from crisp_spec.memories import (
    BIAS_BITS,
    INDEX_BITS,
    MULTIPLIER_BITS,
    stored_index_bits,
)

POOL_MULTIPLIER, POOL_SHIFT = 2, 1
"""A residual path that returns its input: 2 * x rounded after a shift by one."""


def layer_parameters(config: CoreConfig, work: Workload, first: int, last: int) -> dict[Memory, bytes]:
    """Contents of the weight, index and channel memories for the row tiles ``first`` to ``last - 1``.

    Weights are in the order row tile, kept window, slot, row, lane; block indices in the order row tile, kept
    window; channels in their own. Memories that the layer does not read are absent.
    """
    images = {
        Memory.BLOCK_INDEX: _block_index_words(work, first, last),
        Memory.CHANNEL: _channel_words(config, work, first, last),
    }
    if work.residual or work.conv is None:
        images[Memory.RESIDUAL_CHANNEL] = _residual_words(config, work, first, last)
    if work.windowed.weights is not None:
        values, places = _slots(work, first, last)
        images[Memory.WEIGHT] = values.view(np.uint8)
        if not work.dense:
            images[Memory.GROUP_INDEX] = _pack_indices(places, stored_index_bits(config))
    return {memory: _whole_beats(image) for memory, image in sorted(images.items())}


def tap_words(config: CoreConfig, band: Band, ring: int, *, phased: bool) -> bytes:
    """Contents of the tap table for one band of a layer whose input has rings of ``ring`` SMEM rows."""
    taps, length = band.taps(), ring * config.cols
    words = np.zeros(len(taps), np.uint64)
    for number, tap in enumerate(taps):
        values = ((tap.dy * band.pitch + tap.dx) % length, POSITION_BITS), (tap.phase * phased, 2)
        edges = ((edge, COORDINATE_BITS) for edge in (*tap.y_range, *tap.x_range))
        word, position = 0, 0
        for value, bits in (*values, *edges):
            word |= value << position
            position += bits
        words[number] = word
    return _whole_beats(words)


def _slots(work: Workload, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 values and uint8 group indices [windows, n, rows, lanes] of a range of tiles' windows."""
    windowed = work.windowed
    assert windowed.weights is not None
    weights = windowed.weights[first:last].transpose(0, 2, 1, 3, 4)[windowed.kept[first:last]]
    if work.uniform:
        weights = weights[:1]
    if work.dense:
        values, places = weights, np.zeros(weights.shape, np.uint8)
    else:
        values, places = weight_slots(weights, work.n)
    order = (0, 3, 1, 2)
    return np.ascontiguousarray(values.transpose(order)), np.ascontiguousarray(places.transpose(order))


def _pack_indices(places: np.ndarray, bits: int) -> np.ndarray:
    """uint8 bytes of indices of 1, 2 or 4 bits, the first in the lowest bits."""
    per_byte = 8 // bits
    groups = np.pad(places.ravel(), (0, -places.size % per_byte)).reshape(-1, per_byte)
    return np.bitwise_or.reduce(groups << (bits * np.arange(per_byte, dtype=np.uint8)), axis=1)


def _block_index_words(work: Workload, first: int, last: int) -> np.ndarray:
    kept = work.windowed.kept[first:last]
    tiles, windows = np.nonzero(kept)
    is_last = np.append(tiles[1:] != tiles[:-1], True)
    return (windows | is_last.astype(np.int64) << INDEX_BITS).astype("<u2")


def _padded(config: CoreConfig, values: np.ndarray, first: int, last: int) -> np.ndarray:
    """The values of the channels of a range of row tiles; those past the last channel are 0."""
    part = values[first * config.rows : last * config.rows].astype(np.int64)
    return np.pad(part, (0, (last - first) * config.rows - len(part)))


def _channel_words(config: CoreConfig, work: Workload, first: int, last: int) -> np.ndarray:
    """One word per channel: bias, multiplier, shift minus one."""
    conv = work.conv
    if conv is None:
        zeros = np.zeros(work.out_channels, np.int64)
        bias, multiplier, shift = zeros, zeros, zeros + POOL_SHIFT
    else:
        bias, multiplier, shift = conv.bias, conv.multiplier, conv.shift.astype(np.int64)
    words = _padded(config, bias, first, last) & ((1 << BIAS_BITS) - 1)
    words |= _padded(config, multiplier, first, last) << BIAS_BITS
    words |= _padded(config, shift - 1, first, last) << (BIAS_BITS + MULTIPLIER_BITS)
    return words.astype("<u8")


def _residual_words(config: CoreConfig, work: Workload, first: int, last: int) -> np.ndarray:
    """One word per channel: residual multiplier, residual shift."""
    conv = work.conv
    if conv is None:
        multiplier = np.full(work.out_channels, POOL_MULTIPLIER)
        shift = np.zeros(work.out_channels, np.int64)
    elif conv.residual is not None:
        multiplier, shift = conv.residual.multiplier, conv.residual.shift
    else:
        raise LayerError(f"{work.name}: adds no residual, so that it has no residual channels")
    words = _padded(config, multiplier, first, last)
    return (words | _padded(config, shift, first, last) << MULTIPLIER_BITS).astype("<u4")


def _whole_beats(words: np.ndarray) -> bytes:
    data = words.tobytes()
    return data + bytes(-len(data) % ALIGNMENT)
