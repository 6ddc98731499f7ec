from .platforms import Platform, PlatformError, iss_platform, rtl_platform
from .run import NetworkRun, RunSettings, run_failures

__all__ = [
    "NetworkRun",
    "Platform",
    "PlatformError",
    "RunSettings",
    "iss_platform",
    "rtl_platform",
    "run_failures",
]
