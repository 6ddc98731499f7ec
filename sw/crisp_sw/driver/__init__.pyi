from .accelerator import Accelerator
from .bus import Bus
from .errors import DriverError
from .simulated_bus import SimulatedBus

__all__ = ["Accelerator", "Bus", "DriverError", "SimulatedBus"]
