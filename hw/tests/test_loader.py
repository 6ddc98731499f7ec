"""The weight loader against the words of the packed job."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.config import CoreConfig
from crisp_golden.packing import Job
from crisp_golden.timing import ACTIVATION_LATENCY
from crisp_hw.cells import Target
from crisp_hw.loader import WeightLoader
from golden.tests.random_core_layers import small_core
from hw.tests.job_reference import decoded_windows, index_lists, random_job
from hw.tests.simulate import drive, plain, simulate

CONFIGS = {
    "m4": small_core(2, 2, 2, 4, tile_depth=4),
    "load_rows": small_core(8, 2, 4, 2, tile_depth=2, load_rows=4),
    "dense": small_core(4, 2, 4, 1, tile_depth=2),
}
BUS_LATENCY = 1 + ACTIVATION_LATENCY
CHANNEL_BUS_LATENCY = 4


def word(row: np.ndarray) -> int:
    return int.from_bytes(row.tobytes(), "little")


def expected_weights(config: CoreConfig, job: Job) -> list[dict[str, int]]:
    """Everything on the weight bus: each row tile's words once for every pixel tile."""
    beats, bus, start, number = job.registers["load_beats"], [], 0, 0
    for indices in index_lists(job):
        for _ in range(job.registers["pixel_tiles"]):
            for window in range(len(indices)):
                for beat in range(beats):
                    n, group = divmod(beat, config.load_beats)
                    data = word(job.weights[start + window * beats + beat])
                    bus.append({"valid": 1, "buffer": number % 2, "n": n, "group": group, "data": data})
                number += 1
        start += len(indices) * beats
    return bus


def expected_channels(config: CoreConfig, job: Job) -> list[tuple[int, int, int]]:
    """(slot, group, packed channels) once per row tile."""
    return [
        (number // config.load_beats % 16, number % config.load_beats, packed)
        for number, packed in enumerate(job.channels)
    ]


async def preload(ctx: Any, loader: WeightLoader, job: Job) -> None:
    drive(ctx, loader, {"job": job.registers})
    memories = {"weight_write": [word(row) for row in job.weights], "channel_write": job.channels}
    for port, words in memories.items():
        for address, data in enumerate(words):
            drive(ctx, loader, {f"{port}_en": 1, f"{port}_addr": address, f"{port}_data": data})
            await ctx.tick()
        drive(ctx, loader, {f"{port}_en": 0})


class LoaderBench:
    """Loads windows one after the other and records both buses with the cycles."""

    def __init__(self, loader: WeightLoader):
        self.loader = loader
        self.cycle = 0
        self.weights: list[tuple[int, dict[str, int]]] = []
        self.channels: list[tuple[int, tuple[int, int, int]]] = []

    async def tick(self, ctx: Any) -> None:
        weights = plain(ctx.get(self.loader.weights))
        if weights["valid"]:
            self.weights.append((self.cycle, weights))
        channels = ctx.get(self.loader.channels)
        if channels.valid:
            packed = channels.data.as_bits()
            self.channels.append((self.cycle, (channels.slot, channels.group, packed)))
        await ctx.tick()
        self.cycle += 1

    async def run(self, ctx: Any, job: Job, pause: int) -> list[int]:
        """Load every window, ``pause`` idle cycles apart; return the cycles of the load pulses."""
        pulses = []
        self.weights, self.channels = [], []
        drive(ctx, self.loader, {"start": 1})
        await self.tick(ctx)
        drive(ctx, self.loader, {"start": 0})
        for window in decoded_windows(self.loader.config, job):
            pulses.append(self.cycle)
            drive(ctx, self.loader, {"load": 1})
            await self.tick(ctx)
            # The head changes only now: ``load`` announces what is at the head from the next cycle on.
            drive(ctx, self.loader, {"load": 0, "head": window})
            for _ in range(job.registers["load_beats"] - 1 + pause):
                await self.tick(ctx)
        for _ in range(BUS_LATENCY + 2):
            await self.tick(ctx)
        return pulses


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("pause", [0, 3])
def test_buses_carry_the_packed_words_in_order_and_on_time(config: CoreConfig, pause: int):
    loader = WeightLoader(config, target=Target.GENERIC)

    async def bench(ctx: Any) -> None:
        rng, recorder = np.random.default_rng(8), LoaderBench(loader)
        for _ in range(3):
            job = random_job(config, rng)
            await preload(ctx, loader, job)
            pulses = await recorder.run(ctx, job, pause)
            assert [beat for _, beat in recorder.weights] == expected_weights(config, job)
            assert [beat for _, beat in recorder.channels] == expected_channels(config, job)
            beats = job.registers["load_beats"]
            on_time = [pulse + 1 + BUS_LATENCY + beat for pulse in pulses for beat in range(beats)]
            assert [cycle for cycle, _ in recorder.weights] == on_time
            assert recorder.channels[0][0] == pulses[0] + 1 + CHANNEL_BUS_LATENCY

    simulate(loader, bench)
