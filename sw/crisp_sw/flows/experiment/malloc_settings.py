"""The C library's memory allocator in the workers of a sweep."""

import ctypes

# Of mallopt(3), as glibc numbers them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 30
LARGEST_MMAP_THRESHOLD = 1 << 25
"""The most that every version of glibc takes."""


def keep_freed_memory() -> bool:
    """Let glibc keep up to 1 GiB of what this process frees, and return whether it does.

    Dask starts its workers with ``MALLOC_TRIM_THRESHOLD_=65536``, so that freed memory goes back to the
    system at once. Training frees and allocates the same tensors in every step, and then spends a third of
    its time in page faults. Other C libraries have no such setting, and nothing happens there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    kept = mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD) and kept)
