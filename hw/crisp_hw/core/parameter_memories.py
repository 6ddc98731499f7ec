"""The memories of the core that are filled in beats over one bus."""

from typing import Any

from amaranth.hdl import Module

from crisp_hw import cells
from crisp_hw.cells import BeatMemory
from crisp_hw.parts.sharing import shared
from crisp_spec.commands import Target
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_words, word_bits


def beat_memory(
    m: Module, platform: object, config: CoreConfig, target: Target, fill: Any, *, technology: cells.Target
) -> BeatMemory:
    """Add the memory ``target`` to ``m``, its write port connected to ``fill``, a view of ``fill_layout``."""
    memory = BeatMemory(
        word_bits=word_bits(config, target),
        words=memory_words(config, target),
        beat_bits=config.bus_bits,
        target=technology,
    )
    m.submodules[f"{target.name.lower()}_memory"] = shared(platform, memory)
    m.d.comb += [
        memory.write_en.eq(fill.select[target]),
        memory.write_addr.eq(fill.address),
        memory.write_data.eq(fill.data),
    ]
    return memory
