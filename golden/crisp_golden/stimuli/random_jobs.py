"""Random EXECUTE commands with the memories that they work on, not made from any layer.

Bases lie anywhere, tensors and tables wrap at the ends of the memories, rings wrap at any pixel. What the
core has to make of it is ``crisp_golden.machine.core_model``'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crisp_golden.cycles.core_cycles import CycleCount, job_cycles
from crisp_golden.format.memory_words import pack_entries
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import CoreModel
from crisp_golden.pack.jobs import slot_cycles
from crisp_spec.commands import JOB_FIELDS, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.legality import violation
from crisp_spec.memories import INDEX_BITS, memory_words


@dataclass(frozen=True, kw_only=True)
class RandomJob:
    """One job and the chip before it.

    Attributes
    ----------
    fields : of the job.
    lists : window indices of each row tile.
    taps : fields of the tap table's entries that the job names, from its base on.
    """

    config: CoreConfig
    fields: dict[str, int]
    lists: list[list[int]]
    taps: list[dict[str, int]]
    chip: Chip

    @property
    def windows(self) -> np.ndarray:
        """int[row tiles], windows of each row tile."""
        return np.array([len(indices) for indices in self.lists])

    def rows(self, tensor: str) -> np.ndarray:
        """SMEM rows of the tensor ``act``, ``out`` or ``res``."""
        fields, planes = self.fields, self._planes(tensor)
        return (
            fields[f"{tensor}_base"] + np.arange(planes * fields[f"{tensor}_plane"])
        ) % self.config.bank_depth

    def _planes(self, tensor: str) -> int:
        fields = self.fields
        if tensor == "act":
            return fields["channel_blocks"]
        planes = -(
            -(fields["out_part"] + fields["row_tiles"]) // (self.config.word_channels // self.config.rows)
        )
        return planes if tensor == "out" or fields["residual"] else 0

    def cycles(self) -> CycleCount:
        """The predicted counters."""
        return job_cycles(self.config, self.fields, self.windows)

    def expected_smem(self) -> np.ndarray:
        """The activation memory int8[words, word_channels] after the job."""
        after = Chip(self.config)
        for memory, content in self.chip.memories.items():
            after.memories[memory][:] = content
        CoreModel(after, self.fields).run()
        return after.smem


def random_job(rng: np.random.Generator, config: CoreConfig, **fixed: int) -> RandomJob:
    """A random legal job; ``fixed`` gives flags that are not to be random.

    Parameters
    ----------
    fixed : values of ``max_pool``, ``residual``, ``dense``, ``uniform``, ``out_phased``, ``n`` or the
        largest ``row_tiles``.
    """
    while True:
        fields = _loops(rng, config, fixed)
        if _place_tensors(rng, config, fields):
            break
    chip = Chip(config, rng)
    taps = _fill_taps(rng, config, fields, chip)
    lists = _fill_lists(rng, config, fields, chip, len(taps))
    _fill_channels(rng, config, fields, chip)
    command = Command(Opcode.EXECUTE, fields)
    assert violation(config, command) is None, violation(config, command)
    assert set(fields) >= {field.name for field in JOB_FIELDS}
    return RandomJob(config=config, fields=fields, lists=lists, taps=taps, chip=chip)


def _loops(rng: np.random.Generator, config: CoreConfig, fixed: Mapping[str, int]) -> dict[str, int]:
    """Everything but the places of tensors and tables."""
    max_pool = fixed.get("max_pool", int(rng.random() < 0.25))
    dense = fixed.get("dense", int(rng.random() < 0.3)) & (1 - max_pool)
    n = config.m if dense else 1 if max_pool else fixed.get("n", int(rng.integers(1, config.m + 1)))
    pitch, height = int(rng.integers(1, 13)), int(rng.integers(1, 7))
    width = int(rng.integers(1, pitch + 1))
    groups = -(-((height - 1) * pitch + width) // config.cols)
    full = int(rng.integers(1, min(groups, config.tile_depth) + 1))
    tiles = -(-groups // full)
    last = groups - (tiles - 1) * full
    low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.3 else (-128, 127)
    extra = int(rng.integers(3)) if rng.random() < 0.2 else 0
    return {
        "n": n,
        "max_pool": max_pool,
        "residual": fixed.get("residual", int(rng.integers(2))) & (1 - max_pool),
        "dense": dense,
        "uniform": fixed.get("uniform", int(rng.random() < 0.2)),
        "out_phased": fixed.get("out_phased", int(rng.random() < 0.3)),
        "out_odd_row": int(rng.integers(2)),
        "row_tiles": int(rng.integers(1, fixed.get("row_tiles", 4) + 1)),
        "pixel_tiles": tiles,
        "depth_full": full,
        "depth_last": last,
        "slot_full": slot_cycles(config, n, full) + extra,
        "slot_last": slot_cycles(config, n, last) + extra,
        "load_beats": n * config.load_beats,
        "channel_blocks": int(rng.integers(1, 4)),
        "pitch": pitch,
        "step_x": config.cols % pitch,
        "step_y": config.cols // pitch,
        "out_width": width,
        "out_height": height,
        "out_pitch": 0,
        "out_part": int(rng.integers(config.word_channels // config.rows)),
        "q_min": low,
        "q_max": high,
        **{name: int(rng.integers(-128, 128)) for name in ("x_zero_point", "res_zero_point")},
        "y_zero_point": int(rng.integers(-40, 40)),
        "tap_base": int(rng.integers(config.tap_words)),
        "weight_base": int(rng.integers(config.weight_words)),
        "index_base": int(rng.integers(config.index_words)),
        "channel_base": int(rng.integers(memory_words(config, Memory.CHANNEL))),
    }


def _place_tensors(rng: np.random.Generator, config: CoreConfig, fields: dict[str, int]) -> bool:
    """Choose rings, planes and bases side by side; say whether they fit. The input has one or four rings."""
    cols = config.cols
    grid = (fields["out_height"] - 1) * fields["pitch"] + fields["out_width"]
    out_planes = -(-(fields["out_part"] + fields["row_tiles"]) // (config.word_channels // config.rows))
    if fields["out_phased"]:
        fields["out_pitch"] = -(-fields["out_width"] // 2) + int(rng.integers(2))
        lines = (fields["out_height"] + fields["out_odd_row"] + 1) // 2
        fields["out_ring"] = -(-lines * fields["out_pitch"] // cols) + int(rng.integers(2))
    else:
        fields["out_ring"] = -(-grid // cols) + int(rng.integers(2))
    fields["act_ring"] = fields["depth_full"] + int(rng.integers(0, 5))
    fields["res_ring"] = int(rng.integers(1, -(-grid // cols) + 2))
    sizes = {
        "act": (fields["channel_blocks"], int(rng.choice([1, 4])) * fields["act_ring"]),
        "out": (out_planes, (4 if fields["out_phased"] else 1) * fields["out_ring"]),
        "res": (out_planes if fields["residual"] else 0, fields["res_ring"]),
    }
    for name, (_, rows) in sizes.items():
        fields[f"{name}_plane"] = rows + int(rng.integers(2))
        fields[f"{name}_start"] = int(rng.integers(fields[f"{name}_ring"] * cols))
    total = sum(planes * fields[f"{name}_plane"] for name, (planes, _) in sizes.items())
    if total > config.bank_depth:
        return False
    # In half of the jobs the end of the memory lies inside a tensor.
    row = int(rng.integers(config.bank_depth))
    if rng.random() < 0.5:
        row = config.bank_depth - int(rng.integers(1, total + 1))
    for name in rng.permutation(list(sizes)):
        fields[f"{name}_base"] = row % config.bank_depth
        row += sizes[name][0] * fields[f"{name}_plane"]
    return True


def _fill_taps(
    rng: np.random.Generator, config: CoreConfig, fields: dict[str, int], chip: Chip
) -> list[dict[str, int]]:
    """Entries with any offset, and ranges of outputs of any size, also none."""
    phases = 4 if fields["act_plane"] >= 4 * fields["act_ring"] else 1
    entries = []
    for _ in range(int(rng.integers(1, min(9, config.tap_words) + 1))):
        y, x = (sorted(rng.integers(0, fields[size] + 2, 2).tolist()) for size in ("out_height", "out_width"))
        offset, phase = int(rng.integers(fields["act_ring"] * config.cols)), int(rng.integers(phases))
        entry = {
            "offset": offset,
            "phase": phase,
            "y_low": y[0],
            "y_high": y[1],
            "x_low": x[0],
            "x_high": x[1],
        }
        entries.append(entry)
    columns = {name: np.array([entry[name] for entry in entries]) for name in entries[0]}
    _set_entries(chip, Memory.TAP, fields["tap_base"], columns)
    return entries


def _fill_lists(
    rng: np.random.Generator, config: CoreConfig, fields: dict[str, int], chip: Chip, taps: int
) -> list[list[int]]:
    """One to six windows for each row tile, ascending."""
    count = taps * fields["channel_blocks"]
    assert count <= 1 << INDEX_BITS
    most = min(6, count, config.index_words // fields["row_tiles"])
    lists = [
        sorted(rng.choice(count, int(rng.integers(1, most + 1)), replace=False).tolist())
        for _ in range(fields["row_tiles"])
    ]
    columns = {
        "index": np.concatenate(lists),
        "last": np.concatenate([np.arange(len(indices)) == len(indices) - 1 for indices in lists]),
    }
    _set_entries(chip, Memory.BLOCK_INDEX, fields["index_base"], columns)
    return lists


def _fill_channels(rng: np.random.Generator, config: CoreConfig, fields: dict[str, int], chip: Chip) -> None:
    """Parameters that spread the outputs over the int8 range; a maximum takes the residual's way alone."""
    count = config.channel_words
    pool = fields["max_pool"]
    columns = {
        "bias": rng.integers(-(1 << 16), 1 << 16, count),
        "multiplier": np.zeros(count, int) if pool else rng.integers(0, 1 << 16, count),
        "shift": rng.integers(14, 17, count) if pool else rng.integers(24, 28, count),
        "res_multiplier": rng.integers(0, 1 << 16, count),
        "res_shift": rng.integers(0, 2, count) if pool else rng.integers(0, 12, count),
    }
    for memory in (Memory.CHANNEL, Memory.RESIDUAL_CHANNEL):
        _set_entries(chip, memory, 0, columns)


def _set_entries(chip: Chip, memory: Memory, first: int, columns: Mapping[str, np.ndarray]) -> None:
    words = pack_entries(memory, columns)
    view = chip.memories[memory].view(words.dtype)
    view[(first + np.arange(len(words))) % len(view)] = words
