"""The ports of the compute core in Amaranth's simulator, for the driver that benches use in cocotb."""

from collections.abc import Awaitable
from typing import Any

from amaranth.hdl import Value

from crisp_hw.core.core import CrispCore
from crisp_sim.core.core_driver import CoreDriver


class AmaranthPorts:
    """The ``CorePorts`` of a core that is simulated with the context ``ctx``."""

    def __init__(self, ctx: Any, core: CrispCore):
        self.ctx, self.core = ctx, core

    def set(self, name: str, value: int) -> None:
        """Set an input."""
        self.ctx.set(self._port(name), value)

    def get(self, name: str) -> int:
        """Return an output."""
        return self.ctx.get(self._port(name))

    def cycle(self) -> Awaitable[Any]:
        """Wait for the next clock edge."""
        return self.ctx.tick()

    async def run_job(self, limit: int) -> int:
        """Start a job and go on until the core is idle; ``done`` must be high in the last cycle alone.

        Raises
        ------
        AssertionError : it is still busy after ``limit`` cycles, or ``done`` was high in others.
        """
        self.set("job_start", 1)
        await self.cycle()
        self.set("job_start", 0)
        done: list[int] = []
        while self.get("busy"):
            assert len(done) < limit, "the core does not finish"
            done.append(self.get("job_done"))
            await self.cycle()
        assert done == [0] * (len(done) - 1) + [1]
        return len(done)

    def _port(self, name: str) -> Value:
        """The port that has this name in Verilog, where those of one interface begin with its name."""
        interface, _, member = name.partition("_")
        return Value.cast(
            getattr(getattr(self.core, interface), member) if member else getattr(self.core, name)
        )


def core_driver(ctx: Any, core: CrispCore) -> CoreDriver:
    """A driver of ``core``."""
    return CoreDriver(AmaranthPorts(ctx, core), core.config)
