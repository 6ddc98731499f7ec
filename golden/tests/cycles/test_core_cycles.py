"""The cycle model: a worked example, a tile-by-tile schedule in a loop, and bounds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.cycles.core_cycles import (
    CycleCount,
    dense_cycles,
    ideal_cycles,
    job_cycles,
    predict_cycles,
)
from crisp_golden.pack.jobs import Job, pack_layer
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer
from crisp_golden.stimuli.small_cores import CORES
from crisp_spec.config import CoreConfig, preset
from crisp_spec.latencies import OUTPUT_LATENCY, flush_cycles, prologue_cycles
from golden.tests.strategies import conv_shapes, image_sizes


def workload(config: CoreConfig, layer: QuantizedConv) -> Workload:
    return layer_workload(config, layer, layer.in_channels)


def scheduled_cycles(config: CoreConfig, job: Job) -> CycleCount:
    """Walk over windows and tiles one by one, as the sequencer does."""
    r = job.fields
    counts = dict.fromkeys(("compute", "residual", "load", "drain"), 0)
    now, drain_free_at = 0, 0
    for windows in job.windows.tolist():
        for tile in range(r["pixel_tiles"]):
            depth = r["depth_last"] if tile == r["pixel_tiles"] - 1 else r["depth_full"]
            beats = r["n"] * depth
            for _ in range(windows):
                slot = max(beats, r["n"] * config.load_beats, 4)
                counts["compute"] += beats
                counts["load"] += slot - beats
                now += slot
            counts["residual"] += r["residual"] * depth
            now += r["residual"] * depth
            wait = max(0, drain_free_at - now)
            counts["drain"] += wait
            now += wait
            drain_free_at = now + depth * config.cols // config.drain_cols
    return CycleCount(
        prologue=prologue_cycles(config) + r["n"] * config.load_beats,
        flush=drain_free_at - now + flush_cycles(config),
        **counts,
    )


@pytest.mark.parametrize("core", CORES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_the_formula_equals_the_schedule_and_its_bounds_hold(core: str, data: st.DataObject, seed: int):
    config = CORES[core]
    shape = data.draw(conv_shapes(m=config.m))
    size = data.draw(image_sizes(shape, largest=14))
    layer = random_layer(np.random.default_rng(seed), shape)
    predicted = CycleCount()
    for job in pack_layer(config, layer, *size):
        cycles = job_cycles(config, job.fields, job.windows)
        assert cycles == scheduled_cycles(config, job)
        predicted += cycles
    assert predict_cycles(config, layer, *size) == predicted
    assert predicted.total == sum(vars(predicted).values())
    assert predicted.compute >= ideal_cycles(config, job.work, *size)
    dense = dense_cycles(config, layer, *size)
    assert dense.compute >= predicted.compute
    assert dense.total >= predicted.total


def test_worked_example():
    """12 windows of 2 x 14 pixels on 2 x 2 x 2 multipliers with N = 2; see the numbers in the comments."""
    config = preset("tiny")
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=24, outputs_per_group=8, n=2)
    layer = random_layer(np.random.default_rng(0), shape)
    # 28 pixels are 14 groups of 2 columns: one tile of depth 14. 8 channels are 4 row tiles of 3 windows.
    counts = predict_cycles(config, layer, 2, 14)
    assert counts.compute == 4 * 3 * 14 * 2
    assert ideal_cycles(config, workload(config, layer), 2, 14) == 336
    # A slot of 28 cycles hides 4 load cycles; a row tile of 84 hides the 28 of the drain before.
    assert (counts.load, counts.drain, counts.residual) == (0, 0, 0)
    # 25 cycles to decode, 4 to load the first window.
    assert counts.prologue == 25 + 4
    # 28 cycles to drain the last tile, then 5 + 2 + 4 + 1 to accumulate, 3, the output stage, 2 rows.
    assert counts.flush == 28 + 12 + 3 + OUTPUT_LATENCY + 2
    assert counts.total == 29 + 336 + 45 + OUTPUT_LATENCY


def test_waits_of_a_worked_example():
    """One window per tile and N = 1 on one pixel group: the decoder sets the pace, then the drain does."""
    config = replace(CORES["m8"], drain_cols=1)
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=8, outputs_per_group=24, n=1, m=8)
    layer = random_layer(np.random.default_rng(0), shape)
    # 3 row tiles of 1 window of 1 beat; a slot takes 4 cycles, a drain 8 of which the next slot hides 4.
    counts = predict_cycles(config, layer, 1, 5)
    assert (counts.compute, counts.load, counts.drain) == (3, 3 * 3, 2 * 4)
    # Four pixels drained per cycle take 2.
    assert predict_cycles(CORES["m8"], layer, 1, 5).drain == 0


def test_residual_beats_fetch_every_column_group_of_every_row_tile_once():
    shape = ConvShape(outputs_per_group=6, residual=True)
    layer = random_layer(np.random.default_rng(0), shape)
    counts = predict_cycles(CORES["m4"], layer, 5, 5)
    assert counts.residual == 3 * 13


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 4))
def test_cycles_grow_with_every_kept_block(seed: int, n: int):
    rng = np.random.default_rng(seed)
    layer = random_layer(rng, ConvShape(channels_per_group=32, outputs_per_group=16, n=n, block=8))
    assert layer.pattern is not None
    mask = layer.pattern.block_mask
    before = predict_cycles(CORES["m4"], layer, 4, 5)
    for _ in range(min(5, int((~mask[0]).sum()))):
        for row in mask:
            row[rng.choice(np.flatnonzero(~row))] = True
        after = predict_cycles(CORES["m4"], layer, 4, 5)
        assert after.compute > before.compute
        assert after.total >= before.total
        before = after


def layer_128(n: int, kept_share: float) -> QuantizedConv:
    """The 3x3 layer with C = K = 128 of the utilization goal, with blocks of 16."""
    rng = np.random.default_rng(0)
    shape = ConvShape(channels_per_group=128, outputs_per_group=128, n=n, block=16)
    layer = random_layer(rng, shape)
    assert layer.pattern is not None
    order = rng.random(layer.pattern.block_mask.shape).argsort(axis=1).argsort(axis=1)
    layer.pattern.block_mask[:] = order < round(kept_share * order.shape[1])
    weight = rng.choice([-3, 3], layer.weight.shape).reshape(128, 32, 4, 3, 3)
    weight[:, :, n:] = 0
    keep = layer.pattern.block_mask.reshape(8, 9, 8).repeat(16, axis=0).repeat(16, axis=2)
    masked = weight.reshape(128, 128, 3, 3) * keep.transpose(0, 2, 1).reshape(128, 128, 3, 3)
    return QuantizedConv(**{**vars(layer), "weight": masked.astype(np.int8)})


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_edge_is_busy_95_percent_of_the_time_on_a_large_layer(n: int):
    layer = layer_128(n, 1.0)
    cycles = predict_cycles(preset("edge"), layer, 14, 14).total
    assert ideal_cycles(preset("edge"), workload(preset("edge"), layer), 14, 14) / cycles >= 0.95


def test_edge_runs_a_large_sparse_layer_13_5_times_as_fast_as_a_dense_one():
    layer = layer_128(1, 0.28)
    dense = dense_cycles(preset("edge"), layer, 14, 14).total
    assert dense / predict_cycles(preset("edge"), layer, 14, 14).total >= 13.5


def test_ideal_cycles_count_every_row_tile_once_however_many_bands_there_are():
    layer = random_layer(np.random.default_rng(1), ConvShape(outputs_per_group=6))
    roomy = CORES["m4"]
    tight = CoreConfig(**{**vars(roomy), "smem_words": 64})
    assert len(pack_layer(tight, layer, 8, 8)) > len(pack_layer(roomy, layer, 8, 8)) == 1
    work = workload(tight, layer)
    assert ideal_cycles(tight, work, 8, 8) == ideal_cycles(roomy, work, 8, 8)


def test_counts_add_up_by_cause():
    first = CycleCount(prologue=1, compute=2, residual=3, load=4, drain=5, flush=6)
    assert first.total == 21
    assert first + first == CycleCount(prologue=2, compute=4, residual=6, load=8, drain=10, flush=12)
