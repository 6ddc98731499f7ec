"""The whole core: presets elaborate, its ports work, small layers and any jobs are bit- and cycle-exact."""

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.arithmetic.network import MaxPool
from crisp_golden.stimuli.layer_cases import LayerCase, PoolCase
from crisp_golden.stimuli.random_conv import random_int8
from crisp_golden.stimuli.random_jobs import random_job
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.activation_memory import ActivationMemory
from crisp_hw.core.core import CrispCore
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_hw.core.job import JOB_LAYOUT
from crisp_hw.core.payloads import fill_layout
from crisp_hw.core.sequencing.sequencer import Sequencer
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.sharing import convert_shared
from crisp_sim.core.layer_run import check_layer
from crisp_spec.commands import Memory
from crisp_spec.config import PRESETS, CoreConfig, preset
from crisp_spec.latencies import READ_LATENCY, tree_latency
from hw.tests.amaranth_core import core_driver
from hw.tests.core.fill import fill_memories, job_frame
from hw.tests.simulate import drive, simulate


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_every_preset_elaborates(config: CoreConfig):
    rtlil = convert_shared(CrispCore(config), "crisp_core")
    assert len(re.findall(r"^module \\crisp_core$", rtlil, flags=re.M)) == 1
    assert len(re.findall(r"^  cell \\crisp_core__array_row_\S+ ", rtlil, flags=re.M)) == config.rows


LAYERS = {
    "3x3 with residual": (ConvShape(channels_per_group=9, outputs_per_group=3, residual=True), (3, 4)),
    "1x1 stride 2": (
        ConvShape(kernel=(1, 1), stride=2, padding=(0, 0), channels_per_group=12, outputs_per_group=11, n=4),
        (5, 4),
    ),
    "depthwise": (ConvShape(groups=10, channels_per_group=1, outputs_per_group=1, n=1), (3, 3)),
}


def test_layers_on_the_tiny_preset_are_exact_one_after_the_other():
    core = CrispCore(preset("tiny"))

    async def bench(ctx: Any) -> None:
        for seed, (shape, size) in enumerate(LAYERS.values()):
            rng = np.random.default_rng(seed)
            layer = random_layer(rng, shape)
            x = random_int8(rng, layer.in_channels, *size)
            residual = (
                random_int8(rng, layer.out_channels, *layer.out_size(*size)) if shape.residual else None
            )
            await check_layer(core_driver(ctx, core), LayerCase(layer=layer, x=x, residual=residual))

    simulate(core, bench)


def test_start_is_ignored_while_busy():
    config = preset("tiny")
    core = CrispCore(config)
    job = random_job(np.random.default_rng(2), config)

    async def bench(ctx: Any) -> None:
        drive(ctx, core.job, {"fields": job_frame(job, core.job.fields), "start": 1})
        await ctx.tick().repeat(20)
        # A register takes the start, another the cause of a cycle.
        assert ctx.get(core.counters.prologue) == 18

    simulate(core, bench)


def test_max_pooling_on_the_tiny_preset_is_exact():
    core = CrispCore(preset("tiny"))

    async def bench(ctx: Any) -> None:
        for kernel, stride, padding in ((2, 2, 0), (3, 2, 1), (3, 1, 1)):
            layer = MaxPool(name="pool", kernel=kernel, stride=stride, padding=padding)
            x = random_int8(np.random.default_rng(kernel), 11, 6, 5)
            await check_layer(core_driver(ctx, core), PoolCase(layer=layer, x=x))

    simulate(core, bench)


SMALL = {"smem_words": 256, "weight_words": 64, "index_words": 32, "channel_words": 16, "tap_words": 16}


@pytest.mark.parametrize(
    "config",
    [
        small_core(4, 2, 8, 1, tile_depth=2, **SMALL),
        small_core(4, 4, 1, 8, tile_depth=4, load_rows=2, drain_cols=4, **SMALL),
    ],
    ids=["dense", "m8"],
)
def test_random_jobs_leave_the_memory_as_the_model_does(config: CoreConfig):
    core = CrispCore(config)

    async def bench(ctx: Any) -> None:
        driver, rng = core_driver(ctx, core), np.random.default_rng(13)
        for _ in range(6):
            job = random_job(rng, config)
            await driver.load_chip(job.chip, job.fields)
            assert await driver.run(limit=20_000) == (job.cycles(), job.cycles().total)
            np.testing.assert_array_equal(await driver.read_smem(config.bank_depth), job.expected_smem())

    simulate(core, bench)


def test_more_row_tiles_than_channel_slots_in_the_shortest_windows():
    """One window and one pixel group per row tile: parameters are replaced as fast as they ever are."""
    config = small_core(4, 2, 8, 1, load_rows=2, tile_depth=2)
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=4, outputs_per_group=80, n=1, m=1)

    core = CrispCore(config)

    async def bench(ctx: Any) -> None:
        for residual in (False, True):
            rng = np.random.default_rng(3)
            layer = random_layer(rng, ConvShape(**{**vars(shape), "residual": residual}))
            y = random_int8(rng, layer.out_channels, 1, 2) if residual else None
            x = random_int8(rng, layer.in_channels, 1, 2)
            await check_layer(core_driver(ctx, core), LayerCase(layer=layer, x=x, residual=y))

    simulate(core, bench)


def test_residuals_are_drained_before_the_tile_after_next_overwrites_them():
    """Tiles of one column group that wait for the drain, with an adder tree of two registers before it."""
    config = small_core(2, 8, 8, 1, tile_depth=2, smem_words=256)
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), outputs_per_group=10, n=1, m=1, residual=True)
    core = CrispCore(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(3)
        layer = random_layer(rng, shape)
        x, y = random_int8(rng, 8, 1, 8), random_int8(rng, layer.out_channels, 1, 8)
        await check_layer(core_driver(ctx, core), LayerCase(layer=layer, x=x, residual=y))

    assert tree_latency(config) == 2
    simulate(core, bench)


def test_the_read_port_reads_what_the_fill_port_wrote():
    core = CrispCore(preset("tiny"))
    words = random_int8(np.random.default_rng(0), 9 * core.config.cols, core.config.word_channels)

    async def bench(ctx: Any) -> None:
        driver = core_driver(ctx, core)
        await driver.fill(Memory.SMEM, words.tobytes(), 501 * core.config.cols)
        await driver.fill(Memory.WEIGHT, bytes(4 * core.config.word_channels), 501 * core.config.cols)
        np.testing.assert_array_equal(await driver.read_smem(9, first=501), words)

    assert core.read_latency == READ_LATENCY == ActivationMemory.store_latency
    simulate(core, bench)


class FrontEnd(wiring.Component):
    """Decoder and sequencer as the core connects them.

    ``late`` sticks when the window whose weights are to be loaded is not at the head of the queue in time.
    """

    def __init__(self, config: CoreConfig):
        self.decoder = BlockIndexDecoder(config, technology=Technology.GENERIC)
        self.sequencer = Sequencer(config)
        flags = {name: Out(1) for name in ("busy", "flushing", "late", "starved")}
        flags |= {"start": In(1), "finish": In(1)}
        super().__init__({"job": In(JOB_LAYOUT), "fill": In(fill_layout(config)), **flags})

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder, m.submodules.sequencer = decoder, sequencer = self.decoder, self.sequencer
        wiring.connect(m, decoder.o, sequencer.i)
        m.d.comb += [
            *same_fields(decoder.job, self.job),
            *same_fields(sequencer.job, self.job),
            *[block.start.eq(self.start) for block in (decoder, sequencer)],
            decoder.fill.eq(self.fill),
            sequencer.written.eq(self.finish),
            self.starved.eq(sequencer.starved),
            self.busy.eq(~sequencer.idle),
            # The counter begins with the cycle in which it settles.
            self.flushing.eq(sequencer.counters.flush > 1),
        ]
        loads = Signal()
        m.d.sync += [loads.eq(sequencer.load), self.late.eq(self.late | (loads & ~decoder.o.valid))]
        return m


@pytest.mark.parametrize("tap_words", [8, 128, 4096])
def test_every_window_is_decoded_before_its_weights_are_loaded(tap_words: int):
    """Shortest and longest divider, with one column group per tile and so the shortest slots."""
    config = small_core(2, 2, 2, 4, tile_depth=2, **SMALL | {"tap_words": tap_words})
    front = FrontEnd(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(0)
        jobs = (random_job(rng, config, n=1, dense=0) for _ in range(12))
        for job in jobs:
            assert job.fields["slot_full"] <= 6
            drive(ctx, front, {"job": job_frame(job, front.job)})
            await fill_memories(ctx, front, job, (Memory.BLOCK_INDEX, Memory.TAP))
            drive(ctx, front, {"start": 1})
            await ctx.tick()
            drive(ctx, front, {"start": 0})
            await ctx.tick().repeat(3)
            cycles = 0
            while ctx.get(front.busy):
                await ctx.tick()
                cycles += 1
                assert cycles < job.cycles().total
                ctx.set(front.finish, ctx.get(front.flushing))
            ctx.set(front.finish, 0)
            assert (ctx.get(front.late), ctx.get(front.starved)) == (0, 0)

    simulate(front, bench)
