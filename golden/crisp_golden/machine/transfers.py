"""Where the words of LOAD and STORE commands lie, in external memory and on the chip."""

import numpy as np

from crisp_spec.commands import Command, Memory
from crisp_spec.config import CoreConfig


def smem_addresses(config: CoreConfig, command: Command) -> np.ndarray:
    """int[planes, rows, width]: SMEM words of the pixels of a transfer, in the order of external memory."""
    rows, columns = np.arange(command["rows"])[:, None], np.arange(command["width"])
    base = command["base"] + np.arange(command["planes"])[:, None, None] * command["plane"]
    if command["phased"]:
        image_rows = rows + command["odd_row"]
        base = base + (2 * (image_rows % 2) + columns % 2) * command["ring"]
        rows, columns = image_rows // 2, columns // 2
    position = command["start"] + rows * command["pitch"] + columns
    return (base * config.cols + position % (command["ring"] * config.cols)) % config.smem_words


def plane_bytes(config: CoreConfig, command: Command) -> int:
    """Contiguous bytes of external memory in each plane of a tensor's transfer."""
    return command["rows"] * command["width"] * config.word_bits // 8


def is_tensor(command: Command) -> bool:
    """Whether a transfer moves a tensor, not the contents of a parameter memory."""
    return command["memory"] == Memory.SMEM


def memory_runs(config: CoreConfig, command: Command) -> list[tuple[int, int]]:
    """(offset in the segment, bytes) of the contiguous runs of a transfer, in order."""
    if not is_tensor(command):
        return [(command["offset"], command["beats"] * config.bus_bits // 8)]
    length = plane_bytes(config, command)
    return [
        (command["offset"] + plane * command["plane_stride"], length) for plane in range(command["planes"])
    ]


def misalignment(config: CoreConfig, command: Command) -> str | None:
    """What is not a multiple of a beat, or None."""
    beat = config.bus_bits // 8
    names = ("offset", "plane_stride") if is_tensor(command) else ("offset",)
    for name in names:
        if command[name] % beat:
            return f"{name} {command[name]} is no multiple of {beat} bytes"
    return None
