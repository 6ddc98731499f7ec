"""How external memory behaves: what predictions assume, and what the simulated memory does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MemoryTiming:
    """External memory as the bus sees it.

    Parameters
    ----------
    read_latency : cycles from an address to the first beat of its data, at least 1.
    write_latency : cycles from the last beat of a burst to its answer, at least 1.
    read_interval, write_interval : cycles from beat to beat, 1 for the full bandwidth of the bus.
    """

    read_latency: int = 40
    write_latency: int = 20
    read_interval: int = 1
    write_interval: int = 1
