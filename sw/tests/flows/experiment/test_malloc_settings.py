"""Freed memory stays with a worker, whatever Dask told the C library."""

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from crisp_sw.flows.experiment.malloc_settings import keep_freed_memory
import numpy as np

assert not {keep} or keep_freed_memory()
for _ in range(100):
    np.ones(1 << 20, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(*, keep: bool) -> int:
    """Page faults of a process that frees and allocates 1 MiB a hundred times, started like a Dask worker."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(keep=keep)],
        env={**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(result.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_is_fetched_from_the_system_once():
    pages = (1 << 20) // os.sysconf("SC_PAGESIZE")
    assert faults(keep=False) - faults(keep=True) > 90 * pages
