"""Bytes that fill the memories on the chip for a range of a layer's row tiles.

The formats are those of ``crisp_spec.memories``; everything is padded to whole beats of the widest
bus, so that the parts of a program can follow each other in external memory.
"""

from collections.abc import Mapping

import numpy as np

from crisp_golden.format.memory_words import pack_entries, pack_indices
from crisp_golden.pack.geometry import Band
from crisp_golden.pack.windows import weight_slots
from crisp_golden.pack.workload import Workload
from crisp_spec.commands import ALIGNMENT, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.errors import LayerError

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
            images[Memory.GROUP_INDEX] = pack_indices(config, places)
    return {memory: _whole_beats(image) for memory, image in sorted(images.items())}


def tap_words(config: CoreConfig, band: Band, ring: int, *, phased: bool) -> bytes:
    """Contents of the tap table for one band of a layer whose input has rings of ``ring`` SMEM rows."""
    taps, length = band.taps(), ring * config.cols
    columns = {
        "offset": [(tap.dy * band.pitch + tap.dx) % length for tap in taps],
        "phase": [tap.phase * phased for tap in taps],
        "y_low": [tap.y_range[0] for tap in taps],
        "y_high": [tap.y_range[1] for tap in taps],
        "x_low": [tap.x_range[0] for tap in taps],
        "x_high": [tap.x_range[1] for tap in taps],
    }
    return _whole_beats(
        pack_entries(Memory.TAP, {name: np.array(column) for name, column in columns.items()})
    )


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


def _block_index_words(work: Workload, first: int, last: int) -> np.ndarray:
    kept = work.windowed.kept[first:last]
    tiles, windows = np.nonzero(kept)
    is_last = np.append(tiles[1:] != tiles[:-1], True)
    return pack_entries(Memory.BLOCK_INDEX, {"index": windows, "last": is_last})


def _channel_entries(
    config: CoreConfig, memory: Memory, columns: Mapping[str, np.ndarray], first: int, last: int
) -> np.ndarray:
    """Entries of the channels of a range of row tiles; those past the last channel are 0."""
    channels, count = slice(first * config.rows, last * config.rows), (last - first) * config.rows
    words = pack_entries(memory, {name: column[channels] for name, column in columns.items()})
    return np.pad(words, (0, count - len(words)))


def _channel_words(config: CoreConfig, work: Workload, first: int, last: int) -> np.ndarray:
    """One word per channel: bias, multiplier, shift minus one."""
    conv = work.conv
    if conv is None:
        zeros = np.zeros(work.out_channels, np.int64)
        bias, multiplier, shift = zeros, zeros, zeros + POOL_SHIFT
    else:
        bias, multiplier, shift = conv.bias, conv.multiplier, conv.shift.astype(np.int64)
    columns = {"bias": bias, "multiplier": multiplier, "shift": shift - 1}
    return _channel_entries(config, Memory.CHANNEL, columns, first, last)


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
    columns = {"res_multiplier": multiplier, "res_shift": shift}
    return _channel_entries(config, Memory.RESIDUAL_CHANNEL, columns, first, last)


def _whole_beats(words: np.ndarray) -> bytes:
    data = words.tobytes()
    return data + bytes(-len(data) % ALIGNMENT)
