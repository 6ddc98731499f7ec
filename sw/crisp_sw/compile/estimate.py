"""What a group of stages costs: cycles of the core, and beats of the bus in each direction."""

from collections import Counter
from dataclasses import dataclass

from crisp_golden.cycles.core_cycles import job_cycles
from crisp_golden.pack.geometry import Band
from crisp_golden.pack.jobs import pixel_tiling, slot_cycles
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_words, word_bits
from crisp_sw.compile.bands import Group, Schedule
from crisp_sw.compile.graph import Stage
from crisp_sw.compile.layout import Layout
from crisp_sw.compile.steps import bands_of, tile_shares

TRAFFIC_SHARE = 16
"""A beat of traffic that costs no time counts as one cycle divided by this."""


@dataclass(frozen=True)
class Cost:
    """Cycles of the core, and beats read and written.

    Attributes
    ----------
    exposed : cycles of transfers that do not overlap with the group's own computing.
    """

    execute: int
    read: int
    write: int
    exposed: int

    @property
    def cycles(self) -> int:
        """What the slowest engine takes, and a little for every beat: traffic costs energy even if hidden."""
        hidden = (self.read + self.write) // TRAFFIC_SHARE
        return max(self.execute, self.read, self.write) + self.exposed + hidden


class Estimator:
    """Estimates groups; remembers what bands of equal shape cost."""

    def __init__(self, config: CoreConfig):
        self.config = config
        self._cycles: dict[tuple, int] = {}
        self._beats: dict[int, int] = {}

    def group(self, schedule: Schedule, layout: Layout) -> Cost:
        """The cost of a group."""
        group, execute = schedule.group, 0
        for stage, first, last in schedule.computed():
            phased = stage.name in layout.phased and stage.name not in layout.by_phase
            for _, part in bands_of(stage, layout, first, last):
                execute += self._step(stage, part, out_phased=phased)
        copies = Counter(copy.tensor for copy in layout.pitch)
        per_word = self.config.word_bits // self.config.bus_bits
        loaded = sum(t.words(self.config) * copies[t.name] for t in group.loaded()) * per_word
        stored = sum(t.words(self.config) for t in group.stored()) * per_word
        parameters = sum(self._parameter_beats(stage) for stage in group.stages)
        repeats = 1 if self._stays(group) else schedule.bands
        return Cost(
            execute=execute,
            read=loaded + parameters * repeats,
            write=stored,
            # Without prefetch, only some of a band's transfers overlap with its computing.
            exposed=(loaded + stored) // 2 // (schedule.bands if schedule.prefetch else 1),
        )

    def _step(self, stage: Stage, band: Band, *, out_phased: bool) -> int:
        key = stage.number, band.grid_pixels, band.pitch, out_phased
        if key not in self._cycles:
            config, work = self.config, stage.work
            count, full, tail = pixel_tiling(config, band)
            fields = {
                "pixel_tiles": count,
                "depth_full": full,
                "depth_last": tail,
                "slot_full": slot_cycles(config, work.n, full),
                "slot_last": slot_cycles(config, work.n, tail),
                "n": work.n,
                "residual": int(work.residual),
                "load_beats": work.n * config.load_beats,
                "out_phased": int(out_phased),
            }
            self._cycles[key] = sum(
                job_cycles(config, fields, work.windows[slice(*tiles)]).total
                for tiles in tile_shares(config, stage)
            )
        return self._cycles[key]

    def _parameter_beats(self, stage: Stage) -> int:
        """Beats of a stage's weights, indices and channels."""
        if stage.number not in self._beats:
            config, work = self.config, stage.work
            windows = 1 if work.uniform else int(work.windows.sum())
            words = windows * work.n * config.load_beats if work.windowed.weights is not None else 0
            bits = words * word_bits(config, Memory.WEIGHT)
            if not work.dense:
                bits += words * word_bits(config, Memory.GROUP_INDEX)
            bits += int(work.windows.sum()) * word_bits(config, Memory.BLOCK_INDEX)
            channels = -(-work.out_channels // config.load_rows)
            bits += channels * word_bits(config, Memory.CHANNEL)
            if work.residual:
                bits += channels * word_bits(config, Memory.RESIDUAL_CHANNEL)
            self._beats[stage.number] = -(-bits // config.bus_bits)
        return self._beats[stage.number]

    def _stays(self, group: Group) -> bool:
        """Whether the parameters of all stages fit their memories at once."""
        config = self.config
        weights = indices = channels = 0
        for stage in group.stages:
            windows = 1 if stage.work.uniform else int(stage.work.windows.sum())
            weights += windows * stage.work.n * config.load_beats
            indices += int(stage.work.windows.sum())
            channels += -(-stage.work.out_channels // config.load_rows)
        return (
            weights <= memory_words(config, Memory.WEIGHT)
            and indices <= memory_words(config, Memory.BLOCK_INDEX)
            and channels <= memory_words(config, Memory.CHANNEL)
        )
