"""What a group of stages costs: cycles of the core, and beats of the bus in each direction."""

from dataclasses import dataclass

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import job_cycles
from crisp_golden.geometry import Band
from crisp_golden.packing import pixel_tiling, slot_cycles
from crisp_golden.program.commands import Target
from crisp_golden.program.memories import memory_words, word_bits
from crisp_sw.compile.bands import Action, Group, events
from crisp_sw.compile.graph import Stage
from crisp_sw.compile.layout import Layout
from crisp_sw.compile.steps import bands_of, tile_shares


@dataclass(frozen=True)
class Cost:
    """Cycles of the core, and beats read and written.

    Attributes
    ----------
    exposed : cycles of the first loads and last stores, which overlap with other groups at best.
    """

    execute: int
    read: int
    write: int
    exposed: int

    @property
    def cycles(self) -> int:
        """What the slowest engine takes."""
        return max(self.execute, self.read, self.write) + self.exposed


class Estimator:
    """Estimates groups; remembers what bands of equal shape cost."""

    def __init__(self, config: CoreConfig):
        self.config = config
        self._cycles: dict[tuple, int] = {}
        self._beats: dict[int, int] = {}

    def group(self, group: Group, layout: Layout, bands: int, *, prefetch: bool) -> Cost:
        """The cost of a group in ``bands`` bands."""
        execute = 0
        for band in events(group, bands, prefetch=prefetch):
            for event in band:
                if event.action is Action.COMPUTE:
                    stage = group.graph.stages[group.graph.tensors[event.tensor].producer]
                    for _, part in bands_of(stage, layout, event.first, event.last):
                        phased = stage.name in layout.phased and stage.name not in layout.by_phase
                        execute += self._step(stage, part, out_phased=phased)
        tensor_bytes = self.config.window * 8 // self.config.bus_bits
        copies = {copy.tensor: 0 for copy in layout.pitch}
        for copy in layout.pitch:
            copies[copy.tensor] += 1
        loaded = sum(t.words(self.config) * copies[t.name] for t in group.loaded()) * tensor_bytes
        stored = sum(t.words(self.config) for t in group.stored()) * tensor_bytes
        parameters = sum(self._parameter_beats(stage) for stage in group.stages)
        repeats = 1 if self._stays(group) else bands
        return Cost(
            execute=execute,
            read=loaded + parameters * repeats,
            write=stored,
            exposed=(loaded + stored) // (2 * bands),
        )

    def _step(self, stage: Stage, band: Band, *, out_phased: bool) -> int:
        key = stage.number, band.grid_pixels, band.pitch, out_phased
        if key not in self._cycles:
            config, work = self.config, stage.work
            count, full, tail = pixel_tiling(config, band)
            values = {
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
                job_cycles(config, values, work.windows[slice(*tiles)]).total
                for tiles in tile_shares(config, stage)
            )
        return self._cycles[key]

    def _parameter_beats(self, stage: Stage) -> int:
        """Beats of a stage's weights, indices and channels."""
        if stage.number not in self._beats:
            config, work = self.config, stage.work
            windows = 1 if work.uniform else int(work.windows.sum())
            words = windows * work.n * config.load_beats if work.windowed.weights is not None else 0
            bits = words * word_bits(config, Target.WEIGHT)
            if not work.dense:
                bits += words * word_bits(config, Target.GROUP_INDEX)
            bits += int(work.windows.sum()) * word_bits(config, Target.BLOCK_INDEX)
            channels = -(-work.out_channels // config.load_rows)
            bits += channels * word_bits(config, Target.CHANNEL)
            if work.residual:
                bits += channels * word_bits(config, Target.RESIDUAL_CHANNEL)
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
            weights <= memory_words(config, Target.WEIGHT)
            and indices <= memory_words(config, Target.BLOCK_INDEX)
            and channels <= memory_words(config, Target.CHANNEL)
        )
