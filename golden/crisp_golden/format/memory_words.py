"""Words of the memories on the chip as NumPy arrays: packed for a load, unpacked for the model of the core.

The words are those that ``crisp_spec.memories`` declares.
"""

from collections.abc import Mapping

import numpy as np

from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.memories import ENTRIES, stored_index_bits


def entry_type(memory: Memory) -> np.dtype:
    """Type of one entry of a table."""
    return np.dtype(f"<u{ENTRIES[memory].bits // 8}")


def pack_entries(memory: Memory, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pack the fields of a table's entries.

    Parameters
    ----------
    columns : integers[count] by name of the field.

    Returns
    -------
    unsigned[count], little-endian.

    Raises
    ------
    LayerError : a value does not fit its field.
    """
    words, position = np.zeros((), np.uint64), 0
    for field in ENTRIES[memory].fields:
        values = np.asarray(columns[field.name], np.int64)
        for extreme in (values.min(initial=0), values.max(initial=0)):
            field.encode(int(extreme))
        words = words | (values & ((1 << field.bits) - 1)).astype(np.uint64) << np.uint64(position)
        position += field.bits
    return words.astype(entry_type(memory))


def unpack_entries(memory: Memory, words: np.ndarray) -> dict[str, np.ndarray]:
    """Inverse of ``pack_entries``: int64[count] by name of the field."""
    words, columns, position = words.astype(np.uint64), {}, 0
    for field in ENTRIES[memory].fields:
        values = (words >> np.uint64(position)).astype(np.int64) & ((1 << field.bits) - 1)
        columns[field.name] = values - (values >> field.bits - 1 << field.bits) if field.signed else values
        position += field.bits
    return columns


def pack_indices(config: CoreConfig, indices: np.ndarray) -> np.ndarray:
    """uint8 bytes of group indices, uint8 of any shape in C order, the first in the lowest bits."""
    bits = stored_index_bits(config)
    per_byte = 8 // bits
    groups = np.pad(indices.ravel(), (0, -indices.size % per_byte)).reshape(-1, per_byte)
    return np.bitwise_or.reduce(groups << (bits * np.arange(per_byte, dtype=np.uint8)), axis=1)


def unpack_indices(config: CoreConfig, packed: np.ndarray) -> np.ndarray:
    """Inverse of ``pack_indices``: uint8, as many as the bytes hold."""
    bits = stored_index_bits(config)
    shifts = bits * np.arange(8 // bits, dtype=np.uint8)
    return (packed[:, None] >> shifts & (config.m - 1)).ravel()
