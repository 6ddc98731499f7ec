"""Packing of layers into jobs: runs of the core with their fields and their memories' contents.

A job computes a band of a layer's output rows for a range of its row tiles, on tensors that lie in the
activation memory. ``job_fields`` is the one place where the fields of a job are made, whoever decides on
places and bands. ``pack_layer`` decides for a single layer whose tensors have the memory for themselves,
which is what tests and measurements of the core need.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.pack.geometry import Band
from crisp_golden.pack.parameters import layer_parameters, tap_words
from crisp_golden.pack.placement import TensorPlace
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.commands import COORDINATE_BITS, ROW_TILE_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError, LayerError
from crisp_spec.latencies import DECODE_INTERVAL
from crisp_spec.memories import memory_words

MAX_ROW_TILES = (1 << ROW_TILE_BITS) - 1


@dataclass(frozen=True, kw_only=True)
class Bases:
    """First words of a job's parts of the memories, in words of each memory."""

    weight: int = 0
    index: int = 0
    channel: int = 0
    tap: int = 0


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """Places of a layer's input, output and residual."""

    x: TensorPlace
    y: TensorPlace
    residual: TensorPlace | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of the compute core on memories of its own.

    Attributes
    ----------
    fields : of the job by name, see ``crisp_spec.commands.JOB_FIELDS``.
    tensors : where the input is to be put, and the output found.
    tiles : first and one-past-last row tile of the layer that this job computes.
    """

    config: CoreConfig
    work: Workload
    band: Band
    tiles: tuple[int, int]
    tensors: Tensors
    fields: dict[str, int]

    @property
    def windows(self) -> np.ndarray:
        """int[row tiles], kept windows of each row tile."""
        return self.work.windows[slice(*self.tiles)]

    @property
    def out_channels(self) -> tuple[int, int]:
        """First and one-past-last output channel of this job."""
        first, last = (tile * self.config.rows for tile in self.tiles)
        return first, min(self.work.out_channels, last)

    @cached_property
    def images(self) -> dict[Memory, bytes]:
        """Contents of the memories from their first word on, but the activation memory."""
        x = self.tensors.x
        taps = tap_words(self.config, self.band, x.ring, phased=x.phased)
        return {**layer_parameters(self.config, self.work, *self.tiles), Memory.TAP: taps}


def pack_layer(
    config: CoreConfig, layer: QuantizedConv | MaxPool, height: int, width: int, channels: int = 0
) -> list[Job]:
    """Pack ``layer`` for an input of ``height`` x ``width`` pixels into the fewest jobs that fit ``config``.

    ``channels`` is the number of input channels of a pooling layer; convolutions know it.

    Raises
    ------
    LayerError : the layer is not legal, its output is empty, or a value exceeds its field.
    PatternError : the weights do not have the pattern that the layer claims.
    CapacityError : one row of output, or one row tile, exceeds a memory; the message gives the numbers.
    """
    return plan_layer(config, layer_workload(config, layer, channels), height, width)


def plan_layer(config: CoreConfig, work: Workload, height: int, width: int) -> list[Job]:
    """Cut a workload into jobs, see ``pack_layer``."""
    rows, columns = work.kernel.out_size(height, width)
    if rows < 1 or columns < 1:
        kernel = work.kernel.size
        raise LayerError(f"{work.name}: kernel {kernel} does not fit an input of {height} x {width}")
    ranges = tile_ranges(config, work)
    pitch = work.kernel.grid_width(width)
    return [
        _pack_job(config, work, band, _place_alone(config, work, band), *tiles)
        for band in _bands(config, work, height, width, pitch)
        for tiles in ranges
    ]


def tile_ranges(config: CoreConfig, work: Workload, share: int = 1) -> list[tuple[int, int]]:
    """Cut the row tiles greedily into ranges that fit one ``share``-th of the parameter memories.

    Raises
    ------
    CapacityError : one row tile does not fit; the message names the memory and gives the numbers.
    """
    per_window = 0 if work.uniform else work.n * config.load_beats
    limits = (
        ("weight memory", memory_words(config, Memory.WEIGHT) // share, per_window),
        ("block-index memory", memory_words(config, Memory.BLOCK_INDEX) // share, 1),
    )
    capacity = min(words // cost for _, words, cost in limits if cost)
    most_tiles = min(config.channel_words // share // config.rows, MAX_ROW_TILES)
    ranges, first, used = [], 0, 0
    for tile, count in enumerate(work.windows.tolist()):
        if count > capacity:
            memory, words, cost = min(
                (limit for limit in limits if limit[2]), key=lambda limit: limit[1] // limit[2]
            )
            raise CapacityError(
                f"{work.name}: row tile {tile} needs {count * cost} words of the {memory}, which has {words}"
            )
        if used + count > capacity or tile - first == most_tiles:
            ranges.append((first, tile))
            first, used = tile, 0
        used += count
    return [*ranges, (first, len(work.windows))]


def pixel_tiling(config: CoreConfig, band: Band) -> tuple[int, int, int]:
    """(pixel tiles, column groups in each but the last, column groups in the last), as even as possible."""
    groups = -(-band.grid_pixels // config.cols)
    tiles = -(-groups // config.tile_depth)
    full = -(-groups // tiles)
    tiles = -(-groups // full)
    return tiles, full, groups - (tiles - 1) * full


def least_ring(config: CoreConfig, band: Band, words: int) -> int:
    """SMEM rows of the shortest ring that holds ``words`` and lets a band's tiles wrap at most once."""
    return max(-(-words // config.cols), pixel_tiling(config, band)[1])


def slot_cycles(config: CoreConfig, n: int, depth: int) -> int:
    """Cycles that one window takes in a tile of ``depth`` column groups.

    The array needs ``n * depth``; meanwhile the next window's weights are loaded and its index decoded.
    """
    return max(n * depth, n * config.load_beats, DECODE_INTERVAL)


def job_fields(
    config: CoreConfig, work: Workload, band: Band, tiles: tuple[int, int], tensors: Tensors, bases: Bases
) -> dict[str, int]:
    """Fields of the job that computes a band for a range of row tiles.

    Raises
    ------
    LayerError : the pixel grid exceeds the coordinates.
    """
    limit = (1 << COORDINATE_BITS) - 1
    rows, _ = work.kernel.out_size(band.height, band.width)
    if max(rows, band.pitch) > limit:
        raise LayerError(f"{work.name}: pixel grid {rows} x {band.pitch} exceeds {limit} x {limit}")
    count, full, tail = pixel_tiling(config, band)
    return {
        "n": work.n,
        "max_pool": int(work.conv is None),
        "residual": int(work.residual),
        "dense": int(work.dense),
        "uniform": int(work.uniform),
        "row_tiles": tiles[1] - tiles[0],
        "pixel_tiles": count,
        "depth_full": full,
        "depth_last": tail,
        "slot_full": slot_cycles(config, work.n, full),
        "slot_last": slot_cycles(config, work.n, tail),
        "load_beats": work.n * config.load_beats,
        "channel_blocks": -(-work.in_channels // config.word_channels),
        "pitch": band.pitch,
        "step_x": config.cols % band.pitch,
        "step_y": config.cols // band.pitch,
        "out_width": band.out_width,
        "out_height": band.rows,
        "out_part": tiles[0] % (config.word_channels // config.rows),
        **_levels(work),
        **_tensor_fields(config, band, tiles[0] // (config.word_channels // config.rows), tensors),
        "weight_base": bases.weight,
        "index_base": bases.index,
        "channel_base": bases.channel,
        "tap_base": bases.tap,
    }


def _levels(work: Workload) -> dict[str, int]:
    """Zero points and clamps; pooling passes int8 values as they are."""
    conv = work.conv
    if conv is None:
        return {"x_zero_point": -128, "y_zero_point": 0, "q_min": -128, "q_max": 127, "res_zero_point": 0}
    return {
        "x_zero_point": conv.x_zero_point,
        "y_zero_point": conv.y_zero_point,
        "q_min": conv.q_min,
        "q_max": conv.q_max,
        "res_zero_point": conv.residual.zero_point if conv.residual else 0,
    }


def _tensor_fields(config: CoreConfig, band: Band, plane: int, tensors: Tensors) -> dict[str, int]:
    """Bases, rings and starts; ``plane`` is that of the first row tile in the output."""
    x, y, residual = tensors.x, tensors.y, tensors.residual
    row = band.first_row
    fields = {
        "act_base": x.base,
        "act_plane": x.plane,
        "act_ring": x.ring,
        "act_start": x.position(row, config),
        "out_base": y.base + plane * y.plane,
        "out_plane": y.plane,
        "out_ring": y.ring,
        "out_phased": int(y.phased),
        "out_odd_row": row % 2 if y.phased else 0,
        "out_pitch": y.pitch if y.phased else 0,
        "out_start": y.position(row // 2 if y.phased else row, config),
    }
    if residual is None:
        return {**fields, "res_base": 0, "res_plane": 0, "res_ring": 1, "res_start": 0}
    return {
        **fields,
        "res_base": residual.base + plane * residual.plane,
        "res_plane": residual.plane,
        "res_ring": residual.ring,
        "res_start": residual.position(row, config),
    }


def _bands(config: CoreConfig, work: Workload, height: int, width: int, pitch: int) -> list[Band]:
    """Cut the output rows into the fewest equal bands whose tensors fit the activation memory."""
    rows = work.kernel.out_size(height, width)[0]

    def band(first: int, last: int) -> Band:
        return Band(
            kernel=work.kernel, height=height, width=width, first_row=first, last_row=last, pitch=pitch
        )

    for count in range(1, rows + 1):
        size = -(-rows // count)
        bands = [band(y, min(rows, y + size)) for y in range(0, rows, size)]
        if all(_rows_needed(config, work, band) <= config.bank_depth for band in bands):
            return bands
    words = _rows_needed(config, work, band(rows // 2, rows // 2 + 1)) * config.cols
    raise CapacityError(
        f"{work.name}: one output row needs {words} words of the activation memory, "
        f"which has {config.smem_words}"
    )


def _rows_needed(config: CoreConfig, work: Workload, band: Band) -> int:
    tensors = _place_alone(config, work, band)
    return (tensors.residual or tensors.y).end


def _place_alone(config: CoreConfig, work: Workload, band: Band) -> Tensors:
    """Place input, output and residual of one band behind each other from row 0 on."""
    low, high = band.input_rows()
    phased = work.kernel.stride == 2
    if phased:
        low, high = low // 2, -(-high // 2)
    x = TensorPlace(
        base=0,
        planes=-(-work.in_channels // config.word_channels),
        ring=least_ring(config, band, (high - low) * band.pitch),
        pitch=band.pitch,
        phased=phased,
    )
    planes = -(-work.out_channels // config.word_channels)
    ring = least_ring(config, band, band.rows * band.pitch)
    y = TensorPlace(base=x.end, planes=planes, ring=ring, pitch=band.pitch)
    residual = TensorPlace(base=y.end, planes=planes, ring=ring, pitch=band.pitch) if work.residual else None
    return Tensors(x=x, y=y, residual=residual)


def _pack_job(config: CoreConfig, work: Workload, band: Band, tensors: Tensors, *tiles: int) -> Job:
    first, last = tiles
    return Job(
        config=config,
        work=work,
        band=band,
        tiles=(first, last),
        tensors=tensors,
        fields=job_fields(config, work, band, (first, last), tensors, Bases()),
    )
