"""Transfer planner: the bursts of a transfer in its own segment, and when all of them are planned."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from crisp_hw.engines.transfer_planner import TransferPlanner, word_shift
from crisp_spec.dma_latencies import BURST_BEATS
from crisp_spec.registers import PAGE_BITS
from hw.tests.agents import Sink, clock
from hw.tests.engines.tensors import CONFIGS
from hw.tests.simulate import drive, simulate

BASES = [0x4_0000, 0x8_0000, 0xC_0000, 0x10_0000]
SIZE = 1 << 18


class Planned:
    """What a planner makes of one transfer."""

    def __init__(self, name: str, transfer: dict[str, int], *, allowed: int = 0b1111, chance: float = 1.0):
        self.step = CONFIGS[name].bus_bits // 8
        planner = TransferPlanner(CONFIGS[name])
        sink = Sink(planner.request, rng=Random(1), chance=chance)
        self.approved = self.beats = self.failed = 0
        segments = [
            {"page": base >> PAGE_BITS, "size": SIZE, "allowed": allowed >> number & 1}
            for number, base in enumerate(BASES)
        ]

        async def bench(ctx: Any) -> None:
            ctx.set(planner.segments, segments)
            drive(ctx, planner, transfer)
            await ctx.tick()
            for start in (1, 0):
                ctx.set(planner.start, start)
                await clock(ctx, [sink])
                assert not ctx.get(planner.planned)
            for _ in range(3000):
                self.approved += ctx.get(planner.approved)
                self.beats += ctx.get(planner.planned_beats)
                if ctx.get(planner.planned):
                    break
                await clock(ctx, [sink])
            for _ in range(30):
                assert ctx.get(planner.planned)
                await clock(ctx, [sink])
            self.failed = ctx.get(planner.failed)

        simulate(planner, bench)
        self.bursts = [(item["address"], item["beats"]) for item in sink.items]
        self.first = sink.cycles[0] if sink.cycles else None

    def runs(self) -> list[tuple[int, int]]:
        """First address and beats of what the bursts cover without a gap."""
        runs: list[tuple[int, int]] = []
        for address, beats in self.bursts:
            if runs and runs[-1][0] + runs[-1][1] * self.step == address:
                runs[-1] = runs[-1][0], runs[-1][1] + beats
            else:
                runs.append((address, beats))
        return runs


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("chance", [1.0, 0.3])
def test_the_bursts_cover_the_planes_of_the_chosen_segment(name, chance):
    rng = Random(name)
    for segment, base in enumerate(BASES):
        beats, planes = rng.randint(1, 200), rng.randint(1, 4)
        offset, stride = 32 * rng.randrange(100), 32 * rng.randrange(400, 500)
        transfer = {"segment": segment, "offset": offset, "stride": stride, "planes": planes, "beats": beats}
        planned = Planned(name, transfer, chance=chance)
        assert planned.runs() == [(base + offset + plane * stride, beats) for plane in range(planes)]
        assert (planned.approved, planned.beats, planned.failed) == (planes, planes * beats, 0)
        assert max(beats for _, beats in planned.bursts) <= BURST_BEATS


def test_the_first_burst_comes_after_the_declared_cycles():
    planned = Planned("tiny", {"offset": 64, "stride": 0, "planes": 1, "beats": 100})
    assert planned.first == 5
    assert len(planned.bursts) == 2
    assert all(before < after for before, after in pairwise(address for address, _ in planned.bursts))


@pytest.mark.parametrize(
    ("change", "allowed"), [({}, 0b1011), ({"offset": 4}, 0b1111), ({"offset": SIZE - 64}, 0b1111)]
)
def test_a_transfer_that_is_not_in_order_has_no_bursts(change, allowed):
    transfer = {"segment": 2, "offset": 64, "stride": 128, "planes": 2, "beats": 16, **change}
    planned = Planned("tiny", transfer, allowed=allowed)
    assert (planned.bursts, planned.approved, planned.beats, planned.failed) == ([], 0, 0, 1)


def test_words_of_the_activation_memory_are_whole_beats():
    assert {name: word_shift(config) for name, config in CONFIGS.items()} == {
        "tiny": 0,
        "narrow": 1,
        "wide": 0,
    }
