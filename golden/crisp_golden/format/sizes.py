"""What a sparse weight tensor costs in bytes, in this format and in those it competes with.

All formats get int8 values and indices of the fewest bits that can tell the places apart, which favours the
general formats: libraries store 32-bit indices. Padding to blocks is counted for the block formats only.
"""

import numpy as np

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.bit_packing import packed_size
from crisp_golden.format.hybrid_bytes import index_bits
from crisp_golden.format.pattern import check_structure


def size_report(weight: np.ndarray, pattern: Pattern) -> dict[str, int]:
    """Bytes of one weight tensor in each format.

    With K x R the unpadded matrix, nnz its non-zeros, B, K', N and M the pattern:

    - ``dense``: K R, one byte each.
    - ``hybrid_values``: one byte for each of the slots (K/B) K' B (B/M) N.
    - ``hybrid_metadata``: slots ceil(log2 M) bits and (K/B) K' ceil(log2(R/B)) bits
      (Aggarwal et al., "CRISP", DATE 2024, arXiv 2311.14272, section III).
    - ``hybrid``: their sum.
    - ``csr``: nnz (8 + ceil(log2 R)) bits and K + 1 row pointers of ceil(log2(nnz + 1)) bits
      (Saad, "Iterative Methods for Sparse Linear Systems", section 3.4).
    - ``ellpack``: K rows padded to the fullest, of 8 + ceil(log2 R) bits each (same section; Bell and
      Garland, "Efficient Sparse Matrix-Vector Multiplication on CUDA", NVR-2008-004).
    - ``bitmap``: nnz bytes and K R bits (Gondimalla et al., "SparTen", MICRO 2019).
    - ``block_ell``: (K/B) K' dense blocks of B B bytes and ceil(log2(R/B)) bits (Blocked-ELL in
      NVIDIA's cuSPARSE documentation).

    Parameters
    ----------
    weight : int8[K, C, kh, kw]; of a grouped layer, first `crisp_golden.format.weight_matrix.expand_groups`.

    Raises
    ------
    PatternError : the tensor does not have the pattern.
    """
    check_structure(weight, pattern)
    hybrid_values, hybrid_metadata = hybrid_size(pattern)
    nonzero = weight.reshape(len(weight), -1) != 0
    return {
        "dense": weight.size,
        "hybrid": hybrid_values + hybrid_metadata,
        "hybrid_values": hybrid_values,
        "hybrid_metadata": hybrid_metadata,
        "csr": _csr(nonzero),
        "ellpack": _ellpack(nonzero),
        "bitmap": int(nonzero.sum()) + packed_size(nonzero.size, 1),
        "block_ell": _block_ell(pattern),
    }


def hybrid_size(pattern: Pattern) -> tuple[int, int]:
    """Bytes of values and of metadata that any weight with this pattern takes in the hybrid format."""
    blocks = int(pattern.block_mask.sum())
    slots = blocks * pattern.block * (pattern.block // pattern.m) * pattern.n
    block_bits = blocks * index_bits(pattern.block_mask.shape[1])
    return slots, packed_size(slots * index_bits(pattern.m) + block_bits, 1)


def _csr(nonzero: np.ndarray) -> int:
    rows, columns = nonzero.shape
    count = int(nonzero.sum())
    return packed_size(count * (8 + index_bits(columns)) + (rows + 1) * index_bits(count + 1), 1)


def _ellpack(nonzero: np.ndarray) -> int:
    rows, columns = nonzero.shape
    return packed_size(rows * int(nonzero.sum(axis=1).max()), 8 + index_bits(columns))


def _block_ell(pattern: Pattern) -> int:
    blocks = int(pattern.block_mask.sum())
    return packed_size(blocks * (pattern.block**2 * 8 + index_bits(pattern.block_mask.shape[1])), 1)
