"""Burst planner: planes become bursts that cover them exactly, or are refused."""

from dataclasses import dataclass, replace
from random import Random

import pytest
from amaranth.hdl import Value

from crisp_hw.bus.burst_planner import BurstPlanner
from crisp_hw.bus.segments import SEGMENT_LAYOUT, segment_base
from crisp_spec.registers import PAGE_BITS, reachable_bytes
from hw.tests.agents import Sink, clock
from hw.tests.simulate import drive, simulate

BASE = 0x1_2345_6000


@dataclass(frozen=True)
class Transfer:
    """Inputs of a planner."""

    offset: int
    stride: int
    planes: int
    beats: int
    size: int = 0xFFFF_FFC0
    allowed: int = 1
    base: int = BASE


@dataclass
class Plan:
    """What came of it."""

    bursts: list[tuple[int, int]]
    failed: int
    approved: int
    offered: list[int]
    done: int


def rtl_plan(planner: BurstPlanner, transfer: Transfer, chance: float = 1.0) -> Plan:
    plan = Plan([], 0, 0, [], 0)
    sink = Sink(planner.o, rng=Random(1), chance=chance)
    segment = {"page": transfer.base >> PAGE_BITS, "size": transfer.size, "allowed": transfer.allowed}
    inputs = {name: getattr(transfer, name) for name in ("offset", "stride", "planes", "beats")}

    async def bench(ctx):
        drive(ctx, planner, {"segment": segment, **inputs})
        await ctx.tick()
        for cycle in range(20000):
            ctx.set(planner.start, cycle == 0)
            plan.approved += ctx.get(planner.approved)
            if ctx.get(planner.done):
                plan.done, plan.failed = cycle, ctx.get(planner.failed)
                break
            await clock(ctx, [sink])
        assert plan.done

    simulate(planner, bench)
    plan.bursts = [(item["address"], item["beats"]) for item in sink.items]
    plan.offered = sink.cycles
    return plan


def golden_plan(transfer: Transfer, step: int, chunk: int) -> tuple[list[tuple[int, int]], bool]:
    bursts = []
    for plane in range(transfer.planes):
        offset = transfer.offset + plane * transfer.stride
        in_segment = offset + transfer.beats * step <= reachable_bytes(transfer.base, transfer.size)
        if not (in_segment and transfer.allowed and transfer.offset % step == transfer.stride % step == 0):
            return bursts, True
        at, left = transfer.base + offset, transfer.beats
        while left:
            beats = min(left, chunk - at // step % chunk)
            bursts.append((at, beats))
            at, left = at + beats * step, left - beats
    return bursts, False


@pytest.mark.parametrize("data_bits", [64, 128, 256])
@pytest.mark.parametrize("seed", range(6))
def test_planes_become_bursts(data_bits, seed):
    rng = Random(seed)
    planner = BurstPlanner(data_bits, beats_bits=22, chunk=64)
    transfer = Transfer(
        offset=32 * rng.randrange(1000),
        stride=32 * rng.randrange(10000),
        planes=rng.randint(1, 5),
        beats=rng.choice([1, 2, 63, 64, 65, rng.randint(1, 1000)]),
    )
    plan = rtl_plan(planner, transfer, chance=rng.choice([0.4, 1.0]))
    assert (plan.bursts, plan.failed) == golden_plan(transfer, data_bits // 8, 64)
    assert plan.approved == transfer.planes


GOOD = Transfer(offset=64, stride=4096, planes=3, beats=8, size=64 + 2 * 4096 + 64)


@pytest.mark.parametrize(
    ("change", "approved"),
    [
        ({}, 3),
        ({"size": GOOD.size - 1}, 2),
        ({"size": 0}, 0),
        ({"allowed": 0}, 0),
        ({"offset": 84}, 0),
        ({"stride": 4}, 0),
        ({"offset": 0xFFFF_FFE0}, 0),
        ({"stride": 0xFFFF_F000, "size": 0xFFFF_FFC0}, 2),
        ({"stride": 0x8000_0000, "size": 0xFFFF_FFC0}, 2),
    ],
)
def test_a_plane_outside_its_segment_ends_the_transfer(change, approved):
    transfer = replace(GOOD, **change)
    plan = rtl_plan(BurstPlanner(64, beats_bits=22, chunk=64), transfer)
    assert (plan.approved, plan.failed) == (approved, approved < 3)
    assert (plan.bursts, plan.failed) == golden_plan(transfer, 8, 64)


TOP = 1 << 64


@pytest.mark.parametrize(
    ("base", "offset", "beats", "fits"),
    [
        (TOP - 0x1000, 0, 512, True),
        (TOP - 0x1000, 0, 513, False),
        (TOP - 0x1000, 0xFF8, 1, True),
        (TOP - 0x1000, 0x1000, 1, False),
        (TOP - 0x1000, 0x1FF8, 1, False),
        (TOP - (1 << 32), 0xFFFF_FFB8, 1, True),
        (TOP - (1 << 32) - 0x1000, 0xFFFF_FFB8, 1, True),
        (0xFFFF_F000, 0x1000, 1, True),
        (TOP - (1 << 33) + 0xFFFF_F000, 0x1000, 1, True),
    ],
)
def test_no_segment_reaches_beyond_the_address_space(base, offset, beats, fits):
    transfer = Transfer(offset=offset, stride=0, planes=1, beats=beats, base=base)
    plan = rtl_plan(BurstPlanner(64, beats_bits=22, chunk=64), transfer)
    assert (plan.approved, plan.failed) == (int(fits), int(not fits))
    assert (plan.bursts, plan.failed) == golden_plan(transfer, 8, 64)


@pytest.mark.parametrize("data_bits", [64, 128, 256])
@pytest.mark.parametrize("seed", range(12))
def test_random_transfers_around_the_end_of_the_address_space(data_bits, seed):
    rng = Random(f"top {seed}")
    room = 0x1000 * rng.randint(1, 4)
    transfer = Transfer(
        offset=32 * rng.randrange(room // 32),
        stride=32 * rng.randrange(room // 64),
        planes=rng.randint(1, 4),
        beats=rng.choice([1, rng.randint(1, 4096 * 8 // data_bits)]),
        size=rng.choice([room - 32, room, room + rng.randrange(0x2000), 0xFFFF_FFFF]),
        base=TOP - room,
    )
    plan = rtl_plan(BurstPlanner(data_bits, beats_bits=22, chunk=64), transfer)
    assert (plan.bursts, plan.failed) == golden_plan(transfer, data_bits // 8, 64)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_segment_holds_no_burst_leaves_it_or_crosses_a_page(seed):
    rng = Random(f"bits {seed}")
    planner = BurstPlanner(rng.choice([64, 128, 256]), beats_bits=22, chunk=64)
    step = planner.data_bits // 8
    bits, width = Value.cast(planner.segment), SEGMENT_LAYOUT.size
    segment = rng.getrandbits(width) | 1 << width - 1  # the permission
    sink = Sink(planner.o, rng=rng)
    inputs = {"offset": step * rng.randrange(512), "stride": step * rng.randrange(512)}

    async def bench(ctx):
        ctx.set(bits, segment)
        base, size = ctx.get(segment_base(planner.segment)), ctx.get(planner.segment.size)
        drive(ctx, planner, {**inputs, "planes": rng.randint(1, 3), "beats": rng.randint(1, 300), "start": 1})
        await clock(ctx, [sink])
        drive(ctx, planner, {"start": 0})
        while not ctx.get(planner.done):
            await clock(ctx, [sink])
        assert sink.items
        for burst in sink.items:
            last = burst["address"] + step * burst["beats"] - 1
            assert base <= burst["address"] <= last < base + size
            assert burst["address"] >> PAGE_BITS == last >> PAGE_BITS
            assert burst["address"] % step == 0

    simulate(planner, bench)


def test_timing():
    transfer = Transfer(offset=0, stride=4096, planes=2, beats=130)
    plan = rtl_plan(BurstPlanner(64, beats_bits=22, chunk=64), transfer)
    assert plan.offered == [4, 6, 8, 12, 14, 16]
    assert plan.done == 17
    assert rtl_plan(BurstPlanner(64, beats_bits=22, chunk=64), replace(GOOD, size=0)).done == 4
