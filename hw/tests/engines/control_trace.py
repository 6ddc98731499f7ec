"""What the controls of engines do, cycle by cycle."""

from collections.abc import Mapping, Sequence
from typing import Any

from crisp_hw.engines.engine_control import EngineControl
from hw.tests.simulate import drive, sample, simulate

OUTPUTS = ("start", "next", "working", "waiting", "stopped")


def control_trace(
    control: EngineControl, frames: Sequence[Mapping[str, Any]], outputs: Sequence[str] = ()
) -> list[dict[str, int]]:
    """Outputs in the cycles of the frames; a port keeps its value.

    In a frame ``tokens`` are those that are there, and ``error_ready`` takes an error. In the trace ``error``
    is the code that is offered.
    """
    seen = []

    async def bench(ctx):
        for frame in frames:
            values = dict(frame)
            if "tokens" in values:
                ctx.set(control.tokens.available, values.pop("tokens"))
            ctx.set(control.error.ready, values.pop("error_ready", 0))
            drive(ctx, control, values)
            error = ctx.get(control.error.valid) and ctx.get(control.error.payload.code)
            shown = sample(ctx, control, (*OUTPUTS, *outputs)) | sample(ctx, control.tokens, ("take", "give"))
            seen.append({**shown, "error": error})
            await ctx.tick()

    simulate(control, bench)
    return seen


def cycles(trace: list[dict[str, int]], name: str) -> list[int]:
    """The cycles in which an output is not 0."""
    return [cycle for cycle, outputs in enumerate(trace) if outputs[name]]
