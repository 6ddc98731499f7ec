"""Building cells with a generic and a vendor-mapped form: multiplier, block RAM and LUT RAM.

The vendor forms are proved equal to the generic ones in ``hw/tests/cells``.
"""

from crisp_hw.cells.beat_memory import BeatMemory
from crisp_hw.cells.block_ram import BlockRam
from crisp_hw.cells.lut_ram import LutRam
from crisp_hw.cells.multiplier import Multiplier
from crisp_hw.cells.technology import Technology

__all__ = ["BeatMemory", "BlockRam", "LutRam", "Multiplier", "Technology"]
