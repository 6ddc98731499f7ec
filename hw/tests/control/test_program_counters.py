"""Program counters: every cycle is counted once, whatever the engines do."""

from random import Random

import pytest

from crisp_hw.control.program_counters import EVENTS, ProgramCounters
from crisp_hw.core.sequencing.cycle_counters import COUNTERS_LAYOUT
from crisp_spec.cycle_causes import PROGRAM_CAUSES
from crisp_spec.registers import COUNTERS
from hw.tests.simulate import drive, simulate

NAMES = [name for name, _ in COUNTERS]
CAUSES = list(COUNTERS_LAYOUT.members)


class Model:
    """An execute engine: jobs, waiting and idling at random, and what has to be counted."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.expected = dict.fromkeys(NAMES, 0)
        self.job = dict.fromkeys(CAUSES, 0)
        self.left = 0
        self.ended = False

    def step(self) -> dict:
        """Inputs of one counted cycle."""
        rng, expected = self.rng, self.expected
        events = rng.getrandbits(len(EVENTS))
        for number, name in enumerate(EVENTS):
            expected[name] += events >> number & 1
        expected["total"] += 1
        frame = {"events": events, "core_busy": 0, "waits_load": 0, "waits_store": 0, "counted": 0}
        if self.left:
            self.job[rng.choice(CAUSES)] += 1
            self.left -= 1
            self.ended = not self.left
            frame["core_busy"] = 1
        elif self.ended:
            for cause, cycles in self.job.items():
                expected[cause] += cycles
            expected["idle"] += 1
            self.ended = False
            return {**frame, "counted": 1, "job": dict(self.job)}
        else:
            self._wait(frame)
        return {**frame, "job": dict(self.job)}

    def _wait(self, frame: dict) -> None:
        kind = self.rng.choice(["wait_load", "wait_store", "idle", "job"])
        if kind == "job":
            self.job = dict.fromkeys(CAUSES, 0)
            self.left = self.rng.randint(1, 20)
            kind = "idle"
        if kind != "idle":
            frame[kind.replace("wait", "waits")] = 1
        self.expected[kind] += 1

    def abandon(self) -> None:
        """The cycles of an unfinished job count as idle."""
        if self.left or self.ended:
            self.expected["idle"] += sum(self.job.values())


@pytest.mark.parametrize("seed", range(12))
def test_counters(seed):
    counters, model = ProgramCounters(), Model(Random(seed))

    async def bench(ctx):
        drive(ctx, counters, {"counting": 1})
        for _ in range(model.rng.randint(50, 400)):
            drive(ctx, counters, model.step())
            await ctx.tick()
        drive(ctx, counters, {"counting": 0, "counted": 0, "abandoned": 1})
        await ctx.tick()
        drive(ctx, counters, {"abandoned": 0})
        await ctx.tick().repeat(3)
        model.abandon()
        seen = {name: ctx.get(getattr(counters, name)) for name in NAMES}
        assert seen == model.expected
        assert sum(seen[name] for name in PROGRAM_CAUSES) == seen["total"]
        drive(ctx, counters, {"clear": 1})
        await ctx.tick()
        assert not any(ctx.get(getattr(counters, name)) for name in NAMES)

    simulate(counters, bench)
