"""Payloads between dispatcher, engines and registers."""

from amaranth.hdl import Shape
from amaranth.lib import data

from crisp_hw.bus.payloads import WINDOW_LAYOUT
from crisp_spec.commands import EXECUTE, LOAD, OPCODE, STORE, WINDOWS, Opcode
from crisp_spec.dma_latencies import QUEUE_COMMANDS
from crisp_spec.fields import Field

INDEX_BITS = 26
"""A window of 4 GiB holds this many commands."""

QUEUE_DEPTH = QUEUE_COMMANDS - 1
"""Commands that wait for one engine, besides the one at its head."""

PIXELS_BITS = 20
"""Rows times width of a plane."""

ERROR_CODE_BITS = 8

WINDOWS_LAYOUT = data.ArrayLayout(WINDOW_LAYOUT, WINDOWS)
"""The address windows as one direction of transfer sees them."""

ERROR_LAYOUT = data.StructLayout({"code": ERROR_CODE_BITS, "index": INDEX_BITS})
"""What went wrong, and in which command."""

STOP_LAYOUT = data.StructLayout({"valid": 1, "index": INDEX_BITS})
"""After an error: commands above ``index`` are not to be started."""


def fields_layout(fields: tuple[Field, ...]) -> data.StructLayout:
    """A struct of fields, without gaps."""
    return data.StructLayout({field.name: Shape(field.bits, signed=field.signed) for field in fields})


def _command_layout(fields: tuple[Field, ...]) -> data.StructLayout:
    members = {field.name: Shape(field.bits, signed=field.signed) for field in fields if field is not OPCODE}
    if "rows" in members:
        members["pixels"] = Shape(PIXELS_BITS)
    return data.StructLayout({"index": INDEX_BITS, "sync": 1, **members})


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
