"""The whole core: presets elaborate, the host port works, small layers are bit- and cycle-exact."""

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.config import PRESETS, CoreConfig, preset
from crisp_golden.convolution import run_conv
from crisp_golden.cycles import job_cycles
from crisp_golden.job import HostSpace
from crisp_golden.network import QuantizedConv
from crisp_golden.packing import Job, pack_layer
from crisp_golden.timing import ACTIVATION_LATENCY, tree_latency
from crisp_hw.cells import Target
from crisp_hw.core import CrispCore
from crisp_hw.decoder import BlockIndexDecoder
from crisp_hw.layouts import job_layout
from crisp_hw.sequencer import Sequencer
from crisp_hw.sharing import convert_shared
from golden.tests.job_executor import JobExecutor
from golden.tests.random_conv import random_int8
from golden.tests.random_core_layers import ConvShape, random_layer, small_core
from hw.tests import core_host
from hw.tests.job_reference import decoded_windows, random_job
from hw.tests.simulate import drive, simulate


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_every_preset_elaborates(config: CoreConfig):
    rtlil = convert_shared(CrispCore(config), "crisp_core")
    assert len(re.findall(r"^module \\crisp_core$", rtlil, flags=re.M)) == 1
    assert len(re.findall(r"^  cell \\array_row_\S+ ", rtlil, flags=re.M)) == config.rows


async def check_layer(
    ctx: Any, core: CrispCore, layer: QuantizedConv, x: np.ndarray, residual: np.ndarray | None
) -> None:
    """Run all jobs of a layer; demand golden's bits, the predicted cycles and no fault."""
    config = core.config
    y = np.zeros((layer.out_channels, *layer.out_size(*x.shape[1:])), np.int8)
    for job in pack_layer(config, layer, *x.shape[1:]):
        band = job.geometry
        await core_host.load(ctx, core, job)
        await core_host.write_smem(ctx, core, band.store(x, config), job.registers["act_base"])
        if residual is not None:
            base = job.registers["res_base"] - job.first_output_word(config, band.pitch)
            await core_host.write_smem(ctx, core, band.store_residual(residual, config), base)
        assert_exact_cycles(config, job, await core_host.run(ctx, core, limit=20_000))
        words = await core_host.read_smem(ctx, core, *core_host.output_words(config, job))
        first, last = job.out_channels(config)
        channels = band.fetch_output(words, len(words) // job.registers["out_plane"] * config.window)
        offset = first % config.window
        y[first:last, band.first_row : band.last_row] = channels[offset : offset + last - first]
    expected = run_conv(layer, x[None], None if residual is None else residual[None])[0]
    np.testing.assert_array_equal(y, expected)


def assert_exact_cycles(config: CoreConfig, job: Job, run: core_host.JobRun) -> None:
    assert run.counted == job_cycles(config, job)
    assert run.busy_cycles == run.counted.total
    assert run.done_cycles == 1
    assert run.starved == 0


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
            await check_layer(ctx, core, layer, x, residual)

    simulate(core, bench)


@pytest.mark.parametrize(
    "config",
    [
        small_core(4, 2, 4, 1, tile_depth=2, smem_words=256),
        small_core(4, 4, 1, 8, load_rows=2, smem_words=256),
    ],
    ids=["dense", "m8"],
)
def test_random_jobs_leave_the_memory_as_the_executor_does(config: CoreConfig):
    core = CrispCore(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(13)
        smem = random_int8(rng, config.smem_words, config.window)
        await core_host.write_smem(ctx, core, smem, 0)
        for _ in range(2):
            job = random_job(config, rng)
            await core_host.load(ctx, core, job)
            assert_exact_cycles(config, job, await core_host.run(ctx, core, limit=20_000))
            JobExecutor(config, job, smem).run()
        np.testing.assert_array_equal(await core_host.read_smem(ctx, core, 0, config.smem_words), smem)

    simulate(core, bench)


def test_more_row_tiles_than_channel_slots_in_the_shortest_windows():
    """One window and one pixel group per row tile: parameters are replaced as fast as they ever are."""
    config = small_core(4, 2, 4, 1, load_rows=2, tile_depth=2)
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=4, outputs_per_group=80, n=1, m=1)

    core = CrispCore(config)

    async def bench(ctx: Any) -> None:
        for residual in (False, True):
            rng = np.random.default_rng(3)
            layer = random_layer(rng, ConvShape(**{**vars(shape), "residual": residual}))
            y = random_int8(rng, layer.out_channels, 1, 2) if residual else None
            await check_layer(ctx, core, layer, random_int8(rng, layer.in_channels, 1, 2), y)

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
        await check_layer(ctx, core, layer, x, y)

    assert tree_latency(config) == 2
    simulate(core, bench)


def test_the_host_port_reads_what_it_wrote():
    core = CrispCore(preset("tiny"))
    words = random_int8(np.random.default_rng(0), 9, core.config.window)

    async def bench(ctx: Any) -> None:
        await core_host.write_smem(ctx, core, words, 1001)
        await core_host.write(ctx, core, HostSpace.WEIGHT, [0] * 4, 1001)
        np.testing.assert_array_equal(await core_host.read_smem(ctx, core, 1001, 9), words)

    assert core.read_latency == ACTIVATION_LATENCY
    simulate(core, bench)


class FrontEnd(wiring.Component):
    """Decoder and sequencer as the core connects them.

    ``late`` sticks when the window whose weights are to be loaded is not at the head of the queue in time.
    """

    def __init__(self, config: CoreConfig):
        self.decoder = BlockIndexDecoder(config, target=Target.GENERIC)
        self.sequencer = Sequencer(config)
        ports = {name: In(member) for name, member in _write_ports(self.decoder).items()}
        flags = {"start": In(1), "finish": In(1), "flushing": Out(1), "late": Out(1), "starved": Out(1)}
        super().__init__({"job": In(job_layout(config)), **ports, **flags})

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder, m.submodules.sequencer = decoder, sequencer = self.decoder, self.sequencer
        wiring.connect(m, decoder.o, sequencer.i)
        m.d.comb += [
            *[block.job.eq(self.job) for block in (decoder, sequencer)],
            *[block.start.eq(self.start) for block in (decoder, sequencer)],
            *[getattr(decoder, name).eq(getattr(self, name)) for name in _write_ports(decoder)],
            sequencer.written.eq(self.finish),
            self.starved.eq(sequencer.starved),
            self.flushing.eq(sequencer.counters.flush != 0),
        ]
        loads = Signal()
        m.d.sync += [loads.eq(sequencer.load), self.late.eq(self.late | (loads & ~decoder.o.valid))]
        return m


def _write_ports(decoder: BlockIndexDecoder) -> dict[str, int]:
    """Names and widths of the decoder's write ports."""
    names = [f"{port}_write_{part}" for port in ("index", "tap") for part in ("en", "addr", "data")]
    return {name: len(getattr(decoder, name)) for name in names}


@pytest.mark.parametrize("tap_words", [2, 64])
def test_every_window_is_decoded_before_its_weights_are_loaded(tap_words: int):
    """Shortest and longest divider, with one column group per tile and so the shortest slots."""
    config = small_core(2, 2, 2, 4, tile_depth=2, tap_words=tap_words)
    front = FrontEnd(config)
    shape = ConvShape(kernel=(1, 2), padding=(0, 0), channels_per_group=40, outputs_per_group=9, n=1, m=4)
    (job,) = pack_layer(config, random_layer(np.random.default_rng(0), shape), 1, 3)
    assert job.registers["slot_full"] == job.registers["slot_last"] == 4
    assert len(list(decoded_windows(config, job))) == 50

    async def bench(ctx: Any) -> None:
        drive(ctx, front, {"job": job.registers})
        for port, words in (("index_write", job.index), ("tap_write", job.taps)):
            for address, word in enumerate(words):
                drive(ctx, front, {f"{port}_en": 1, f"{port}_addr": address, f"{port}_data": word})
                await ctx.tick()
            drive(ctx, front, {f"{port}_en": 0})
        drive(ctx, front, {"start": 1})
        await ctx.tick()
        drive(ctx, front, {"start": 0})
        cycles = 0
        while not ctx.get(front.flushing):
            await ctx.tick()
            cycles += 1
        assert cycles < 50 * 4 + 40
        assert (ctx.get(front.late), ctx.get(front.starved)) == (0, 0)

    simulate(front, bench)
