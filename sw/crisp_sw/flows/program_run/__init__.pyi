from .network_run import NetworkRun, RunSettings
from .platforms import Platform, iss_platform

__all__ = [
    "NetworkRun",
    "Platform",
    "RunSettings",
    "iss_platform",
]
