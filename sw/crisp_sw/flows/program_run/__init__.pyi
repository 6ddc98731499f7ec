from .network_run import NetworkRun, RunSettings, run_failures
from .platforms import Platform, PlatformError, iss_platform, rtl_platform

__all__ = [
    "NetworkRun",
    "Platform",
    "PlatformError",
    "RunSettings",
    "iss_platform",
    "rtl_platform",
    "run_failures",
]
