"""A bound of the memory that an import takes, from the size of the file: small files ask for little."""

from crisp_sw.qdq.errors import OnnxModelError

BYTES_PER_BYTE = 32
"""Weights of one byte become integers of four bytes, and layers: no honest model needs nearly as much."""

FLOOR = 1 << 26


class MemoryBudget:
    """What an import may still put into memory beyond the file itself."""

    def __init__(self, file_size: int):
        self._most = FLOOR + BYTES_PER_BYTE * file_size
        self._rest = self._most

    def take(self, size: int, what: str) -> None:
        """Count ``size`` bytes for something, before or just after it is made.

        Raises
        ------
        OnnxModelError : it is more than what is left.
        """
        self._rest -= size
        if self._rest < 0:
            raise OnnxModelError(
                f"{what} takes the import beyond {self._most} bytes of memory, "
                f"which is {BYTES_PER_BYTE} times the file's size and {FLOOR} bytes"
            )
