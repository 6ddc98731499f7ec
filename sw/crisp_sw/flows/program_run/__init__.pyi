from .network_run import NetworkRun, RunSettings, run_failures
from .platforms import Platform, iss_platform

__all__ = [
    "NetworkRun",
    "Platform",
    "RunSettings",
    "iss_platform",
    "run_failures",
]
