"""The RTL in simulation as a platform of network runs."""

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sim.accelerator.library import model_library
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.config import CoreConfig
from crisp_sw.driver.bus import Bus
from crisp_sw.flows.program_run import Platform


def rtl_platform(config: CoreConfig, memory: MemoryTiming) -> Platform:
    """The RTL with an external memory of that timing; builds the model if it is not there.

    Raises
    ------
    CrispError : the model cannot be built.
    """
    built = model_library(config)

    def connect() -> Bus:
        return RtlBus(config, timing=memory)

    return Platform("rtl", f"{built.parent.name} {memory}", True, connect)
