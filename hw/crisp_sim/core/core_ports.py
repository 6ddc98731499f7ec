"""What a driver of the compute core needs of a simulator: ports by their names in Verilog, and the clock."""

from collections.abc import Awaitable
from typing import Any, Protocol


class CorePorts(Protocol):
    """The ports of one core, seen where a clock cycle begins: outputs have settled, inputs may be set.

    Names are those of the generated Verilog, such as ``fill_address``; values are unsigned bit patterns.
    """

    def set(self, name: str, value: int) -> None:
        """Set an input of this cycle; it keeps its value."""
        ...

    def get(self, name: str) -> int:
        """Return an output, as it is before inputs of this cycle are changed."""
        ...

    def cycle(self) -> Awaitable[Any]:
        """Go on to where the next clock cycle begins."""
        ...

    async def run_job(self, limit: int) -> int:
        """Start a job and go on until the core is idle; return the cycles in which it was busy.

        Raises
        ------
        Exception : it is still busy after ``limit`` cycles; the type is the simulator's.
        """
        ...
