"""The memories of the core that are filled in beats over one bus."""

from typing import Any

from amaranth.hdl import Module

from crisp_hw.cells import BeatMemory, Technology
from crisp_hw.parts.sharing import shared
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_words, word_bits


def beat_memory(
    m: Module,
    platform: object,
    config: CoreConfig,
    memory: Memory,
    fill: Any,
    *,
    technology: Technology,
) -> BeatMemory:
    """Add the memory ``memory`` to ``m``, its write port connected to ``fill``, a view of ``fill_layout``."""
    cell = BeatMemory(
        word_bits=word_bits(config, memory),
        words=memory_words(config, memory),
        beat_bits=config.bus_bits,
        technology=technology,
    )
    m.submodules[f"{memory.name.lower()}_memory"] = shared(platform, cell)
    m.d.comb += [
        cell.write_en.eq(fill.select[memory]),
        cell.write_addr.eq(fill.address),
        cell.write_data.eq(fill.data),
    ]
    return cell
