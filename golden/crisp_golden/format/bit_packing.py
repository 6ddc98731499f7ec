"""Unsigned integers of any width as a string of bits, least significant bit first."""

import numpy as np


def packed_size(count: int, bits: int) -> int:
    """Bytes that ``count`` integers of ``bits`` bits take, rounded up to a whole byte."""
    return -(-count * bits // 8)


def pack_bits(values: np.ndarray, bits: int) -> bytes:
    """Pack integers into bytes: integer i takes bits ``i * bits`` to ``(i + 1) * bits - 1`` of the string.

    Bit j of the string is bit ``j % 8`` of byte ``j // 8``; the last byte is filled up with zeros.

    Parameters
    ----------
    values : integers from 0 to ``2**bits - 1``, any shape, read in C order.
    bits : width, 0 to 32.
    """
    flat = np.ascontiguousarray(values, "<u4").reshape(-1, 1).view(np.uint8)
    return np.packbits(
        np.unpackbits(flat, axis=1, count=bits, bitorder="little"), bitorder="little"
    ).tobytes()


def unpack_bits(data: bytes, count: int, bits: int) -> np.ndarray:
    """Inverse of `pack_bits`.

    Parameters
    ----------
    data : at least ``packed_size(count, bits)`` bytes.

    Returns
    -------
    int64[count].
    """
    string = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little")
    padded = np.zeros((count, 32), np.uint8)
    padded[:, :bits] = string.reshape(count, bits)
    return np.packbits(padded, axis=1, bitorder="little").view("<u4").reshape(count).astype(np.int64)
