"""Thin driver of Amaranth's simulator: a unit test reads ``trace(dut, frames, ...) == golden(frames)``.

With ``WAVES=1`` in the environment, all signals of every simulation are recorded below ``build/waves``.
"""

import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from amaranth.hdl import ClockDomain, Const, Elaboratable, Module, ResetSignal, Value, ValueCastable
from amaranth.lib import data
from amaranth.sim import Simulator

CLOCK_PERIOD = 1e-6
WAVES = Path(__file__).resolve().parents[2] / "build" / "waves"
_recordings: Counter[str] = Counter()
"""Simulations that each test has had recorded."""


def simulate(
    dut: Elaboratable, bench: Callable[[Any], Awaitable[None]], *, reset: Value | None = None
) -> None:
    """Run ``bench`` on ``dut`` with one clock until it returns; ``reset`` is the clock domain's."""
    top = Module()
    top.domains.sync = ClockDomain()  # a combinational component has none of its own
    if reset is not None:
        top.d.comb += ResetSignal().eq(reset)
    top.submodules.dut = dut
    simulator = Simulator(top)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    with _recorded(simulator):
        simulator.run()


def _recorded(simulator: Simulator) -> AbstractContextManager[None]:
    """Record a VCD named after the running test, if the environment asks for it."""
    if os.environ.get("WAVES", "0") in ("", "0"):
        return nullcontext()
    test = os.environ.get("PYTEST_CURRENT_TEST", "simulation").removesuffix(" (call)")
    name = re.sub(r"[^\w.-]+", "_", test.rpartition("/")[2])
    WAVES.mkdir(parents=True, exist_ok=True)
    path = WAVES / f"{name}.{_recordings[name]}.vcd"
    _recordings[name] += 1
    print(f"waves in {path}")
    return simulator.write_vcd(str(path))


def drive(ctx: Any, dut: Any, frame: Mapping[str, Any]) -> None:
    """Set the named ports. Integers set all bits of a struct or array, dictionaries its named fields."""
    for name, value in frame.items():
        port = getattr(dut, name)
        if isinstance(value, int) and isinstance(port, ValueCastable):
            ctx.set(Value.cast(port), value)
        else:
            ctx.set(port, value)


def sample(ctx: Any, dut: Any, names: Sequence[str]) -> dict[str, Any]:
    """Values of the named ports; structs as dictionaries, arrays as lists."""
    return {name: plain(ctx.get(getattr(dut, name))) for name in names}


def plain(value: Any) -> Any:
    """A simulated value without Amaranth's types."""
    if isinstance(value, data.Const):
        layout = value.shape()
        if isinstance(layout, data.ArrayLayout):
            return [plain(value[i]) for i in range(layout.length)]
        return {name: plain(value[name]) for name, _ in layout}
    return value.value if isinstance(value, Const) else value


def trace(dut: Any, frames: Sequence[Mapping[str, Any]], outputs: Sequence[str]) -> list[dict[str, Any]]:
    """Drive one frame per clock cycle and return what the outputs are in that same cycle.

    A port keeps its value in frames that do not name it.
    """
    seen = []

    async def bench(ctx: Any) -> None:
        for frame in frames:
            drive(ctx, dut, frame)
            seen.append(sample(ctx, dut, outputs))
            await ctx.tick()

    simulate(dut, bench)
    return seen


def pipelined(
    dut: Any, frames: Sequence[Mapping[str, Any]], outputs: Sequence[str], latency: int
) -> list[dict[str, Any]]:
    """Results of a pipeline that takes one frame per cycle: outputs ``latency`` cycles after each frame."""
    return trace(dut, [*frames, *[{}] * latency], outputs)[latency:]
