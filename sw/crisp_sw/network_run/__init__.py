"""Whole networks as programs: compiled, run on golden's simulator and on the RTL, compared layer by layer."""

from crisp_sw.network_run.platforms import Platform, PlatformError, iss_platform, rtl_platform
from crisp_sw.network_run.run import NetworkRun, RunSettings, run_failures

__all__ = [
    "NetworkRun",
    "Platform",
    "PlatformError",
    "RunSettings",
    "iss_platform",
    "rtl_platform",
    "run_failures",
]
