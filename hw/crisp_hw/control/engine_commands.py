"""What dispatcher and engines tell each other: commands, tokens, errors."""

from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.field_layouts import fields_layout
from crisp_spec.commands import EXECUTE, LOAD, OPCODE, STORE, Opcode
from crisp_spec.dma_latencies import QUEUE_COMMANDS
from crisp_spec.fields import Field

INDEX_BITS = 26
"""A segment of 4 GiB holds this many commands."""

QUEUE_DEPTH = QUEUE_COMMANDS - 1
"""Commands that wait for one engine, besides the one at its head."""

PIXELS_BITS = 20
"""Rows times width of a plane."""

ERROR_CODE_BITS = 8

ERROR_LAYOUT = data.StructLayout({"code": ERROR_CODE_BITS, "index": INDEX_BITS})
"""What went wrong, and in which command."""

STOP_LAYOUT = data.StructLayout({"valid": 1, "index": INDEX_BITS})
"""After an error: commands above ``index`` are not to be started."""


def _command_layout(fields: tuple[Field, ...]) -> data.StructLayout:
    members: dict[str, Any] = {"index": INDEX_BITS, "sync": 1, **fields_layout(fields).members}
    del members[OPCODE.name]
    if "rows" in members:
        members["pixels"] = PIXELS_BITS
    return data.StructLayout(members)


COMMAND_LAYOUTS = {
    "load": _command_layout(LOAD),
    "execute": _command_layout(EXECUTE),
    "store": _command_layout(STORE),
}
"""Commands in the queues of the engines. ``sync``: only tokens, no work. ``pixels``: rows times width of a
plane, which the dispatcher multiplies while it checks the command.
"""


def _partners(kind: str) -> dict[str, tuple[str, ...]]:
    """For each engine the others that its flags ``kind``_... name."""
    return {
        engine: tuple(name.removeprefix(f"{kind}_") for name in layout.members if name.startswith(f"{kind}_"))
        for engine, layout in COMMAND_LAYOUTS.items()
    }


WAITS = _partners("wait")
"""Engines whose tokens an engine takes, in the order of the bits of its ports."""

SIGNALS = _partners("signal")
"""Engines for which an engine puts down tokens."""

TOKEN_PAIRS = tuple((giver, taker) for taker, givers in WAITS.items() for giver in givers)
"""Who puts down tokens for whom."""

FULL_OPCODES = {"load": Opcode.LOAD, "execute": Opcode.EXECUTE, "store": Opcode.STORE}
SYNC_OPCODES = {"load": Opcode.LOAD_SYNC, "execute": Opcode.EXECUTE_SYNC, "store": Opcode.STORE_SYNC}


class TokenSignature(wiring.Signature):
    """The tokens of an engine as the engine sees them.

    Parameters
    ----------
    waits : number of engines whose tokens it takes.
    signals : number of engines for which it puts tokens down.

    Members
    -------
    available : In(waits), there is a token, one bit for each engine.
    take : Out(waits), one token less, only while available.
    give : Out(signals), one token more.
    """

    def __init__(self, waits: int, signals: int):
        super().__init__({"available": In(waits), "take": Out(waits), "give": Out(signals)})
