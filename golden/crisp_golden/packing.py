"""Packing of a layer into jobs: the memory images and registers that the compute core reads.

A layer that exceeds the memories becomes several jobs: bands of output rows where the activation memory is
the limit, ranges of row tiles where the weight, index or channel memory is.
"""

from dataclasses import dataclass

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.errors import CapacityError, LayerError
from crisp_golden.geometry import ConvGeometry
from crisp_golden.job import (
    CHANNEL_FIELDS,
    COORDINATE_BITS,
    INDEX_BITS,
    INDEX_FIELDS,
    MAX_ROW_TILES,
    job_fields,
    pack_fields,
    tap_fields,
)
from crisp_golden.network import QuantizedConv
from crisp_golden.pattern import check_layer_structure
from crisp_golden.timing import DECODE_INTERVAL
from crisp_golden.validation import validate_layer
from crisp_golden.windows import WindowedWeights, weight_slots, window_weights


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of the compute core.

    Attributes
    ----------
    registers : value of every field of ``job_fields``.
    index, taps, channels : words of the block-index, tap and channel memories.
    weights : uint8[words, bytes], words of the weight memory, little-endian.
    geometry : the band of output rows this job computes.
    windows : int[row tiles], kept windows of each row tile.
    first_tile : first row tile of the layer that this job computes.
    """

    registers: dict[str, int]
    index: list[int]
    taps: list[int]
    channels: list[int]
    weights: np.ndarray
    geometry: ConvGeometry
    windows: np.ndarray
    first_tile: int

    def out_channels(self, config: CoreConfig) -> tuple[int, int]:
        """First and one-past-last output channel of this job."""
        first = self.first_tile * config.rows
        last = min(self.geometry.layer.out_channels, first + len(self.windows) * config.rows)
        return first, last

    def first_output_word(self, config: CoreConfig, pitch: int) -> int:
        """SMEM words of a tensor like the output, with ``pitch`` words per row, below this job's channels."""
        parts = config.window // config.rows
        return self.first_tile // parts * self.geometry.rows * pitch


def pack_layer(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> list[Job]:
    """Pack ``layer`` for an input of ``height`` x ``width`` pixels into the fewest jobs that fit ``config``.

    Raises
    ------
    LayerError : the layer is not legal, its output is empty, or a value exceeds its field.
    PatternError : the weights do not have the pattern that the layer claims.
    CapacityError : one row of output, or one row tile, exceeds a memory; the message gives the numbers.
    """
    validate_layer(layer)
    check_layer_structure(layer)
    rows, columns = layer.out_size(height, width)
    if rows < 1 or columns < 1:
        raise LayerError(f"{layer.name}: kernel {layer.kernel} does not fit an input of {height} x {width}")
    windowed = window_weights(config, layer)
    _check_tables(config, layer, windowed)
    ranges = _tile_ranges(config, layer.name, windowed)
    bands = _bands(config, layer, height, width)
    return [_pack_job(config, windowed, band, *tiles) for band in bands for tiles in ranges]


def _check_tables(config: CoreConfig, layer: QuantizedConv, windowed: WindowedWeights) -> None:
    taps = layer.kernel[0] * layer.kernel[1]
    if taps > config.tap_words:
        raise CapacityError(f"{layer.name}: {taps} kernel taps exceed the tap table's {config.tap_words}")
    if windowed.kept.shape[1] > 1 << INDEX_BITS:
        raise CapacityError(
            f"{layer.name}: {windowed.kept.shape[1]} windows exceed the {INDEX_BITS}-bit block index"
        )


def _tile_ranges(config: CoreConfig, name: str, windowed: WindowedWeights) -> list[tuple[int, int]]:
    """Cut the row tiles greedily into ranges that fit the weight, index and channel memories."""
    limits = (
        ("weight memory", config.weight_words, windowed.n * config.load_beats),
        ("block-index memory", config.index_words, 1),
    )
    capacity = min(words // per_window for _, words, per_window in limits)
    most_tiles = min(config.channel_words // config.rows, MAX_ROW_TILES)
    ranges, first, used = [], 0, 0
    for tile, count in enumerate(windowed.windows_per_tile.tolist()):
        if count > capacity:
            memory, words, per_window = min(limits, key=lambda limit: limit[1] // limit[2])
            raise CapacityError(
                f"{name}: row tile {tile} needs {count * per_window} words of the {memory}, which has {words}"
            )
        if used + count > capacity or tile - first == most_tiles:
            ranges.append((first, tile))
            first, used = tile, 0
        used += count
    return [*ranges, (first, windowed.row_tiles)]


def _bands(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> list[ConvGeometry]:
    """Cut the output rows into the fewest equal bands whose tensors fit the activation memory."""
    rows = layer.out_size(height, width)[0]
    for count in range(1, rows + 1):
        size = -(-rows // count)
        bands = [
            ConvGeometry(layer=layer, height=height, width=width, first_row=y, last_row=min(rows, y + size))
            for y in range(0, rows, size)
        ]
        if all(sum(_smem_words(config, band)) <= config.smem_words for band in bands):
            return bands
    band = ConvGeometry(layer=layer, height=height, width=width, first_row=rows // 2, last_row=rows // 2 + 1)
    raise CapacityError(
        f"{layer.name}: one output row needs {sum(_smem_words(config, band))} words of the "
        f"activation memory, which has {config.smem_words}"
    )


def _smem_words(config: CoreConfig, band: ConvGeometry) -> tuple[int, int, int]:
    """SMEM words of input, residual and output."""
    blocks = -(-band.layer.in_channels // config.window)
    out_blocks = -(-band.layer.out_channels // config.window)
    residual = out_blocks * band.rows * band.pitch if band.layer.residual else 0
    return blocks * band.plane, residual, out_blocks * band.rows * band.out_width


def _pack_job(
    config: CoreConfig, windowed: WindowedWeights, band: ConvGeometry, first: int, last: int
) -> Job:
    layer, kept = band.layer, windowed.kept[first:last]
    registers = _registers(config, windowed.n, band, first, last)
    for field in job_fields(config):
        field.encode(registers[field.name])
    return Job(
        registers=registers,
        index=_index_words(kept),
        taps=_tap_words(config, band),
        channels=_channel_words(config, layer, first, last),
        weights=_weight_words(config, windowed, first, last),
        geometry=band,
        windows=kept.sum(axis=1),
        first_tile=first,
    )


def _registers(config: CoreConfig, n: int, band: ConvGeometry, first: int, last: int) -> dict[str, int]:
    layer = band.layer
    limit = (1 << COORDINATE_BITS) - 1
    if max(band.pitch, band.rows) > limit:
        raise LayerError(f"{layer.name}: pixel grid {band.rows} x {band.pitch} exceeds {limit} x {limit}")
    groups = -(-band.grid_pixels // config.cols)
    pixel_tiles = -(-groups // config.tile_depth)
    full = -(-groups // pixel_tiles)
    tail = groups - (pixel_tiles - 1) * full
    act_words, res_words, _ = _smem_words(config, band)
    parts = config.window // config.rows
    residual = layer.residual
    return {
        "n": n,
        "row_tiles": last - first,
        "pixel_tiles": pixel_tiles,
        "depth_full": full,
        "depth_last": tail,
        "slot_full": slot_cycles(config, n, full),
        "slot_last": slot_cycles(config, n, tail),
        "load_beats": n * config.load_beats,
        "channel_blocks": -(-layer.in_channels // config.window),
        "act_base": 0,
        "act_plane": band.plane,
        "x_zero_point": layer.x_zero_point,
        "pitch": band.pitch,
        "step_x": config.cols % band.pitch,
        "step_y": config.cols // band.pitch,
        "out_width": band.out_width,
        "out_height": band.rows,
        "out_base": act_words + res_words + first // parts * band.rows * band.out_width,
        "out_plane": band.rows * band.out_width,
        "out_pitch": band.out_width,
        "out_part": first % parts,
        "y_zero_point": layer.y_zero_point,
        "q_min": layer.q_min,
        "q_max": layer.q_max,
        "residual": int(residual is not None),
        "res_base": (act_words + first // parts * band.rows * band.pitch) if residual else 0,
        "res_plane": band.rows * band.pitch if residual else 0,
        "res_zero_point": residual.zero_point if residual else 0,
    }


def slot_cycles(config: CoreConfig, n: int, depth: int) -> int:
    """Cycles that one window takes in a tile of ``depth`` column groups.

    The array needs ``n * depth``; meanwhile the next window's weights are loaded and its index decoded.
    """
    return max(n * depth, n * config.load_beats, DECODE_INTERVAL)


def _index_words(kept: np.ndarray) -> list[int]:
    words = []
    for row in kept:
        indices = np.flatnonzero(row).tolist()
        words += [pack_fields(INDEX_FIELDS, {"index": i, "last": i == indices[-1]}) for i in indices]
    return words


def _tap_words(config: CoreConfig, band: ConvGeometry) -> list[int]:
    fields = tap_fields(config)
    return [
        pack_fields(
            fields,
            {
                "offset": band.tap_offset(tap) % config.smem_words,
                "y_low": tap.y_range[0],
                "y_high": tap.y_range[1],
                "x_low": tap.x_range[0],
                "x_high": tap.x_range[1],
            },
        )
        for tap in band.taps()
    ]


def _channel_words(config: CoreConfig, layer: QuantizedConv, first: int, last: int) -> list[int]:
    """Words of ``load_rows`` channels; channels past the last are zero with the smallest shift."""
    residual = layer.residual
    words = []
    for k in range(first * config.rows, last * config.rows):
        values = {"bias": 0, "multiplier": 0, "shift": 0, "res_multiplier": 0, "res_shift": 0}
        if k < layer.out_channels:
            values |= {
                "bias": int(layer.bias[k]),
                "multiplier": int(layer.multiplier[k]),
                "shift": int(layer.shift[k]) - 1,
            }
            if residual:
                values |= {
                    "res_multiplier": int(residual.multiplier[k]),
                    "res_shift": int(residual.shift[k]),
                }
        words.append(pack_fields(CHANNEL_FIELDS, values))
    bits = sum(field.bits for field in CHANNEL_FIELDS)
    return [
        sum(word << number * bits for number, word in enumerate(words[i : i + config.load_rows]))
        for i in range(0, len(words), config.load_rows)
    ]


def _weight_words(config: CoreConfig, windowed: WindowedWeights, first: int, last: int) -> np.ndarray:
    """uint8[words, bytes]: per row tile, kept window, non-zero and row group one word, lane 0 lowest."""
    words = []
    for tile in range(first, last):
        kept = windowed.weights[tile][:, windowed.kept[tile]].transpose(1, 0, 2, 3)
        values, places = weight_slots(kept, windowed.n)
        slots = values.view(np.uint8).astype(np.uint16) | places.astype(np.uint16) << 8
        words.append(slots.transpose(0, 3, 1, 2).reshape(-1, config.load_rows * config.lanes))
    slots = np.concatenate(words)
    bits = slots[..., None] >> np.arange(config.slot_bits, dtype=np.uint16) & 1
    return np.packbits(bits.astype(np.uint8).reshape(len(slots), -1), axis=1, bitorder="little")
