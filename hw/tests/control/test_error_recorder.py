"""Error recorder: the lowest index wins, whatever comes when."""

from random import Random

import pytest

from crisp_hw.control.error_recorder import SOURCES, ErrorRecorder
from crisp_spec.error_codes import ErrorCode
from hw.tests.agents import Source, clock
from hw.tests.simulate import simulate


@pytest.mark.parametrize("seed", range(10))
def test_the_first_error_in_program_order_is_kept(seed):
    rng, recorder = Random(seed), ErrorRecorder()
    indices = iter(rng.sample(range(100), 2 * len(SOURCES)))
    errors = {
        name: [{"code": rng.randint(1, 7), "index": next(indices)} for _ in range(2)] for name in SOURCES
    }
    sources = [Source(getattr(recorder, name), items, rng=rng, chance=0.3) for name, items in errors.items()]

    async def bench(ctx):
        lowest = None
        for _ in range(60):
            waiting = [len(source.items) for source in sources]
            heads = [source.items[0] if source.items else None for source in sources]
            await clock(ctx, sources)
            taken = [
                head
                for head, source, was in zip(heads, sources, waiting, strict=True)
                if head and len(source.items) < was
            ]
            assert len(taken) <= 1
            # What was taken in the cycle before shows now.
            assert ctx.get(recorder.stop.valid) == (lowest is not None)
            if lowest:
                assert (ctx.get(recorder.code), ctx.get(recorder.stop.index)) == tuple(lowest.values())
            for error in taken:
                if lowest is None or error["index"] < lowest["index"]:
                    lowest = error
        assert not any(source.items for source in sources)

    simulate(recorder, bench)


@pytest.mark.parametrize("before", [False, True])
def test_the_watchdog_does_not_hide_an_error(before):
    recorder = ErrorRecorder()

    async def bench(ctx):
        if before:
            ctx.set(recorder.load.payload, {"code": ErrorCode.BUS_READ, "index": 9})
            ctx.set(recorder.load.valid, 1)
            await ctx.tick()
            ctx.set(recorder.load.valid, 0)
            await ctx.tick()
        ctx.set(recorder.oldest, 4)
        ctx.set(recorder.expired, 1)
        await ctx.tick()
        expected = (ErrorCode.BUS_READ, 9) if before else (ErrorCode.WATCHDOG, 4)
        assert (ctx.get(recorder.code), ctx.get(recorder.stop.index)) == expected

    simulate(recorder, bench)
