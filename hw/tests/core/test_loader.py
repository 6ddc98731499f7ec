"""The weight loader against the words of the memories."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.job_windows import decoded_windows
from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.loader import WeightLoader
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY, BEAT_MEMORY_LATENCY
from crisp_spec.memories import stored_index_bits
from hw.tests.core.fill import fill_memories, job_frame
from hw.tests.simulate import drive, plain, simulate

SMALL = {"smem_words": 256, "weight_words": 64, "index_words": 32, "channel_words": 32, "tap_words": 16}
CONFIGS = {
    "m4": small_core(2, 2, 2, 4, tile_depth=4, **SMALL),
    "load_rows": small_core(8, 2, 4, 2, tile_depth=2, load_rows=4, **SMALL),
    "m8": small_core(4, 2, 2, 8, tile_depth=2, bus_bits=128, **SMALL),
    "dense": small_core(4, 2, 8, 1, tile_depth=2, **SMALL),
}
BUS_LATENCY = 1 + ACTIVATION_LATENCY
CHANNEL_BUS_LATENCY = 2 + BEAT_MEMORY_LATENCY
PARAMETERS = (Memory.WEIGHT, Memory.GROUP_INDEX, Memory.CHANNEL, Memory.RESIDUAL_CHANNEL)


def weight_word(job: RandomJob, number: int, n: int) -> int:
    """Weights and group indices of a weight word, as the bus carries them; ``n`` is its slot."""
    config, word = job.config, 0
    slots, stored = config.load_rows * config.lanes, stored_index_bits(config)
    values = job.chip.words(Memory.WEIGHT, number * slots, slots, "u1").tolist()
    indices = job.chip.memories[Memory.GROUP_INDEX].tolist()
    for slot in range(slots):
        bit = (number * slots + slot) * stored % max(1, 8 * len(indices))
        index = n if job.fields["dense"] else indices[bit // 8] >> bit % 8 if stored else 0
        packed = values[slot] | (index & (config.m - 1)) << 8
        word |= packed << slot * config.slot_bits
    return word


def expected_weights(job: RandomJob) -> list[dict[str, int]]:
    """Everything on the weight bus: each row tile's words once for every pixel tile."""
    config, v = job.config, job.fields
    beats, bus, start, number = v["load_beats"], [], v["weight_base"], 0
    for indices in job.lists:
        for _ in range(v["pixel_tiles"]):
            for window in range(len(indices)):
                first = v["weight_base"] if v["uniform"] else start + window * beats
                for beat in range(beats):
                    n, group = divmod(beat, config.load_beats)
                    data = weight_word(job, (first + beat) % config.weight_words, n)
                    bus.append({"valid": 1, "buffer": number % 2, "n": n, "group": group, "data": data})
                number += 1
        start += len(indices) * beats
    return bus


def expected_channels(job: RandomJob) -> list[tuple[int, int, list[int]]]:
    """(slot, group, packed channels) once per row tile."""
    config, v = job.config, job.fields
    bus = []
    for number in range(v["row_tiles"] * config.load_beats):
        first = (v["channel_base"] + number) * config.load_rows
        words = job.chip.words(Memory.CHANNEL, first, config.load_rows, "<u8").tolist()
        residuals = job.chip.words(Memory.RESIDUAL_CHANNEL, first, config.load_rows, "<u4").tolist()
        used = (1 << 20) - 1 if v["residual"] or v["max_pool"] else 0
        packed = [
            word & (1 << 54) - 1 | (residual & used) << 54
            for word, residual in zip(words, residuals, strict=True)
        ]
        bus.append((number // config.load_beats % 16, number % config.load_beats, packed))
    return bus


class LoaderBench:
    """Loads windows one after the other and records both buses with the cycles."""

    def __init__(self, loader: WeightLoader):
        self.loader = loader
        self.cycle = 0
        self.weights: list[tuple[int, dict[str, int]]] = []
        self.channels: list[tuple[int, tuple[int, int, list[int]]]] = []

    async def tick(self, ctx: Any) -> None:
        weights = plain(ctx.get(self.loader.weights))
        if weights["valid"]:
            self.weights.append((self.cycle, weights))
        channels = ctx.get(self.loader.channels)
        if channels.valid:
            packed = [channels.data[i].as_bits() for i in range(self.loader.config.load_rows)]
            self.channels.append((self.cycle, (channels.slot, channels.group, packed)))
        await ctx.tick()
        self.cycle += 1

    async def run(self, ctx: Any, job: RandomJob, pause: int) -> list[int]:
        """Load every window, ``pause`` idle cycles apart; return the cycles of the load pulses."""
        pulses = []
        self.weights, self.channels = [], []
        drive(ctx, self.loader, {"start": 1})
        await self.tick(ctx)
        drive(ctx, self.loader, {"start": 0})
        for window in decoded_windows(job):
            pulses.append(self.cycle)
            drive(ctx, self.loader, {"load": 1})
            await self.tick(ctx)
            # The head changes only now: ``load`` announces what is at the head from the next cycle on.
            drive(ctx, self.loader, {"load": 0, "head": window})
            for _ in range(job.fields["load_beats"] - 1 + pause):
                await self.tick(ctx)
        for _ in range(BUS_LATENCY + 2):
            await self.tick(ctx)
        return pulses


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("pause", [0, 3])
def test_buses_carry_the_packed_words_in_order_and_on_time(config: CoreConfig, pause: int):
    loader = WeightLoader(config, technology=Technology.GENERIC)

    async def bench(ctx: Any) -> None:
        rng, recorder = np.random.default_rng(8), LoaderBench(loader)
        for _ in range(6):
            job = random_job(rng, config)
            drive(ctx, loader, {"job": job_frame(job, loader.job)})
            await fill_memories(ctx, loader, job, PARAMETERS)
            pulses = await recorder.run(ctx, job, pause)
            assert [beat for _, beat in recorder.weights] == expected_weights(job)
            assert [beat for _, beat in recorder.channels] == expected_channels(job)
            beats = job.fields["load_beats"]
            on_time = [pulse + 1 + BUS_LATENCY + beat for pulse in pulses for beat in range(beats)]
            assert [cycle for cycle, _ in recorder.weights] == on_time
            assert recorder.channels[0][0] == pulses[0] + 1 + CHANNEL_BUS_LATENCY

    simulate(loader, bench)
