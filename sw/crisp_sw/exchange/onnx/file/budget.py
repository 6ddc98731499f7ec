"""Bounds of what an import may take: memory in proportion to the file's size, and operations."""

import math

from crisp_sw.exchange.onnx.errors import OnnxModelError

BYTES_PER_BYTE = 32
"""Weights of one byte become integers of four bytes, and layers: no honest model needs nearly as much."""

FLOOR = 1 << 26

MOST_OPERATIONS = 1 << 40
"""Multiplications of the images with which the layers are compared: some minutes, 256 times a ResNet-50."""


COMPARED_VALUES, COMPARED_IMAGES = 1 << 14, 8
"""Small images are compared several at a time, up to so many values or images."""


def compared_images(batch: int | None, shape: tuple[int, int, int]) -> int:
    """How many images of (C, H, W) an import is compared with; ``batch`` is the file's, None if it is open.

    A file for more images at once is run for fewer.
    """
    wanted = max(1, min(COMPARED_IMAGES, COMPARED_VALUES // math.prod(shape)))
    return wanted if batch is None else min(wanted, batch)


class ImportBudget:
    """What an import may still take beyond the file itself."""

    def __init__(self, file_size: int):
        self._most = FLOOR + BYTES_PER_BYTE * file_size
        self._memory = self._most
        self._operations = MOST_OPERATIONS

    def take_memory(self, size: int, what: str) -> None:
        """Count ``size`` bytes for something, before or just after it is made.

        Raises
        ------
        OnnxModelError : it is more than what is left.
        """
        self._memory -= size
        if self._memory < 0:
            raise OnnxModelError(
                f"{what} takes the import beyond {self._most} bytes of memory, "
                f"which is {BYTES_PER_BYTE} times the file's size and {FLOOR} bytes"
            )

    def take_operations(self, count: int, what: str) -> None:
        """Count ``count`` multiplications or comparisons of all images together, before they are done.

        Raises
        ------
        OnnxModelError : it is more than what is left.
        """
        self._operations -= count
        if self._operations < 0:
            raise OnnxModelError(
                f"{what} takes the comparison with the file's own results beyond {MOST_OPERATIONS} operations"
            )
