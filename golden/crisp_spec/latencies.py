"""Pipeline latencies of the core, in clock cycles: the part of the contract that makes cycles predictable.

The gateware takes these numbers from here or asserts that its components have them, so the cycle model and
the hardware cannot drift apart.
"""

from crisp_spec.config import CoreConfig

MULTIPLIER_LATENCY = 3
"""Operand registers, product register, one plain register behind it."""

LANE_LATENCY = MULTIPLIER_LATENCY + 1
"""The N:M choice has a register of its own before the multiplier."""

BLOCK_RAM_LATENCY = 2
"""The memory's own register and its output register."""

BEAT_MEMORY_LATENCY = BLOCK_RAM_LATENCY + 1
"""The choice of a word in a beat has a register behind it."""

ACTIVATION_LATENCY = BLOCK_RAM_LATENCY + 3
"""Bank addresses, block RAM, rotator, padding."""

READ_LATENCY = BLOCK_RAM_LATENCY + 2
"""Of the core's read port, if no output is in the way: request, bank addresses, block RAM."""

LOCATE_LATENCY = 4
"""From a tap's entry to the SMEM rows of its pixels: sum, ring, row, the row behind it."""

DECODE_INTERVAL = 4
"""Cycles between two windows out of the block-index decoder, and so the shortest window."""

OUTPUT_LATENCY = MULTIPLIER_LATENCY + 9
"""Operands to int8 result in the output stage."""


def tree_latency(config: CoreConfig) -> int:
    """Registers in the adder tree over the lanes: one for every two levels."""
    return max(1, config.lanes.bit_length() // 2)


def accumulate_latency(config: CoreConfig) -> int:
    """From the issue of a beat to the write of row 0's accumulators: read, array register, MAC, write."""
    return ACTIVATION_LATENCY + 2 + LANE_LATENCY + tree_latency(config)


def decode_latency(config: CoreConfig) -> int:
    """From start to the first window out of the decoder: two memories, divider, address, queue, control."""
    divider = (config.tap_words - 1).bit_length()
    return 2 * BEAT_MEMORY_LATENCY + divider + LOCATE_LATENCY + 3


def prologue_cycles(config: CoreConfig) -> int:
    """From start to the first weight load: two windows are decoded and each column finds its first pixel."""
    return max(decode_latency(config) + DECODE_INTERVAL + 1, config.cols + 2)


def flush_cycles(config: CoreConfig) -> int:
    """From the last drained pixel's issue to the end of the job: accumulators, output stage, rows, writer."""
    return accumulate_latency(config) + 3 + OUTPUT_LATENCY + config.rows


def release_cycles(config: CoreConfig) -> int:
    """From the last drained pixel's issue until the next job may be started, whose first cycle comes next.

    Its prologue then runs while the last outputs are on their way. It reads none before they are in memory.
    """
    return max(0, flush_cycles(config) - prologue_cycles(config) - 1)
