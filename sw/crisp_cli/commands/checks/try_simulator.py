"""``crisp try-simulator``: whether the RTL can be simulated here."""

from crisp_cli.options import Simulator
from crisp_cli.rtl.requirements import try_rtl


def try_simulator(sim: Simulator = "verilator") -> None:
    """See whether the simulator works here, by a model of a single wire; say nothing if it does.

    Example: `crisp try-simulator --sim icarus`
    """
    try_rtl(sim)
