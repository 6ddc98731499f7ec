"""Pictures of the accelerator and of its core: what is connected comes from their netlists."""

from crisp_hw.accelerator import CrispStc
from crisp_hw.core.core import CrispCore
from crisp_spec.config import preset
from tools.pictures.diagram import Arrow, Box, Diagram
from tools.pictures.netlist import Connection, Netlist, netlist

PRESET = "tiny"
"""Whose netlist is read; what is connected is the same in all, but for the number of rows."""

WIDE = 57
"""Bits from which a connection must be in the picture."""


class PictureError(Exception):
    """A picture does not show what the design has, or shows what it has not."""


ACCELERATOR_BOXES = {
    "registers": Box(
        0, 1, "registers", "AXI4-Lite", ("segments: to fetcher, load, store", "counters: from the box below")
    ),
    "control": Box(0, 2.15, "control", "start, end, abort, reset"),
    "errors": Box(0, 3.05, "errors", "the first in program order"),
    "counters": Box(0, 3.95, "counters", "cycles by cause"),
    "fetcher": Box(1, 1, "fetcher", "64-byte commands, ahead"),
    "dispatcher": Box(1, 2.15, "dispatcher", "checks, counts tokens"),
    "reader": Box(2, 0, "burst reader", "m_axi: AR, R"),
    "load_engine": Box(2, 1, "load engine", "memory to chip"),
    "execute_engine": Box(2, 2.15, "execute engine", "runs jobs"),
    "store_engine": Box(2, 3.3, "store engine", "chip to memory"),
    "writer": Box(2, 4.3, "burst writer", "m_axi: AW, W, B"),
    "core": Box(3, 2.15, "core", "see its own picture"),
}
ACCELERATOR_ARROWS = [
    Arrow("registers", "fetcher", "place of the\nprogram"),
    Arrow("fetcher", "dispatcher", "commands"),
    Arrow("fetcher", "reader", "requests", shift=-7, place=0.35),
    Arrow("reader", "fetcher", "beats", shift=-7, place=0.35),
    Arrow("reader", "load_engine", "beats", shift=-20),
    Arrow("load_engine", "reader", "requests", shift=-40),
    Arrow("dispatcher", "load_engine", "LOAD"),
    Arrow("dispatcher", "execute_engine", "EXECUTE"),
    Arrow("dispatcher", "store_engine", "STORE"),
    Arrow("load_engine", "core", "beats for\nany memory"),
    Arrow("execute_engine", "core", "job fields"),
    Arrow("core", "store_engine", "words of\nSMEM"),
    Arrow("store_engine", "writer", "beats"),
]
ACCELERATOR_APART = {
    ("core", "counters"): "cycles of jobs",
    ("counters", "registers"): "named in the box of the registers",
    ("dispatcher", "errors"): "errors of commands",
    ("load_engine", "errors"): "errors of transfers",
    ("execute_engine", "errors"): "errors of commands",
    ("store_engine", "errors"): "errors of transfers",
    ("registers", "load_engine"): "segments, named in the box of the registers",
    ("registers", "store_engine"): "segments, named in the box of the registers",
    ("reader", "read_gate"): "the port itself",
    ("writer", "write_gate"): "the port itself",
}
"""Wide connections without an arrow, and why."""
GATES = frozenset({"register_gate", "read_gate", "write_gate"})
"""Blocks without a box: they keep the ports silent during a reset."""

CORE_BOXES = {
    "block_index_decoder": Box(0, 0, "block-index decoder", "the words to read next"),
    "weight_loader": Box(
        0, 1.25, "weight loader", "the next window's weights", ("filled by the load engine",)
    ),
    "sequencer": Box(1, 0, "sequencer", "beats, drains, causes"),
    "activation_memory": Box(
        2, 0, "activation memory", "banks, rotator, padding", ("load and store engine",)
    ),
    "row_0": Box(1, 1.25, "row 0", "N:M lanes, accumulators"),
    "row_1": Box(1, 2.3, "row 1 ... last", "the same, a cycle later"),
    "output_writer": Box(2, 2.3, "output writer", "words for the banks"),
}
CORE_ARROWS = [
    Arrow("block_index_decoder", "sequencer", "windows"),
    Arrow("block_index_decoder", "weight_loader", "next\nwindow"),
    Arrow("sequencer", "activation_memory", "addresses"),
    Arrow("sequencer", "row_0", "beats,\ndrains"),
    Arrow("weight_loader", "row_0", "weights,\nchannels"),
    Arrow("activation_memory", "row_0", "words of\ncols pixels"),
    Arrow("row_0", "row_1", "all of it"),
    Arrow("row_1", "output_writer", "outputs of\nall rows"),
    Arrow("output_writer", "activation_memory", "words"),
]
CORE_APART = {
    ("sequencer", "output_writer"): "the moment at which the job's fields are taken over",
}


def accelerator_picture() -> Diagram:
    """The accelerator: every wide connection, and the tokens between its engines."""
    design = netlist(CrispStc(preset(PRESET)), "accelerator")
    tokens = {block for block in design.blocks if "_to_" in block}
    require_whole(design, ACCELERATOR_BOXES, ACCELERATOR_ARROWS, ACCELERATOR_APART, tokens | GATES)
    arrows = [*ACCELERATOR_ARROWS, *[_token(counter) for counter in sorted(tokens)]]
    return Diagram("The accelerator: engines, tokens and buses", ACCELERATOR_BOXES, arrows)


def core_picture() -> Diagram:
    """The compute core: every wide connection."""
    design = netlist(CrispCore(preset(PRESET)), "core")
    require_whole(design, CORE_BOXES, CORE_ARROWS, CORE_APART, frozenset())
    return Diagram("The compute core: decoder, memories, array and control", CORE_BOXES, CORE_ARROWS)


def require_whole(
    design: Netlist,
    boxes: dict[str, Box],
    arrows: list[Arrow],
    apart: dict[tuple[str, str], str],
    without_box: set[str] | frozenset[str],
) -> None:
    """Hold a picture to its design.

    Raises
    ------
    PictureError : a block has no box, or a box no block; a wide connection is neither drawn nor set apart; or
        an arrow or what is set apart is no connection of the design.
    """
    if wrong := design.blocks ^ (set(boxes) | without_box):
        raise PictureError(f"boxes and blocks differ: {', '.join(sorted(wrong))}")
    found = {(one.source, one.target): one for one in design.connections}
    shown = {(arrow.source, arrow.target) for arrow in arrows} | set(apart)
    if missing := [_told(one) for pair, one in found.items() if _wide(one) and pair not in shown]:
        raise PictureError(f"connections that the picture lacks: {'; '.join(missing)}")
    if stale := [f"{source} to {target}" for source, target in sorted(shown - set(found))]:
        raise PictureError(f"no such connection in the design: {'; '.join(stale)}")


def _wide(connection: Connection) -> bool:
    inside = not connection.source.startswith("<") and connection.source != connection.target
    return inside and connection.bits >= WIDE


def _told(connection: Connection) -> str:
    return f"{connection.source} to {connection.target}, {connection.bits} bits"


def _token(counter: str) -> Arrow:
    giver, taker = counter.split("_to_")
    across = {"load": 0, "execute": 1, "store": 2}
    far = abs(across[giver] - across[taker]) == 2
    return Arrow(f"{giver}_engine", f"{taker}_engine", "", dashed=True, shift=75 if far else 40)
