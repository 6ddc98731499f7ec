"""Programs in words: one line for every command, with what it waits for and what it does."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from crisp_golden.machine.program_image import TensorInfo
from crisp_golden.machine.transfers import is_tensor
from crisp_spec.commands import FORMATS, Command, Memory, Opcode
from crisp_sw.programs.view import SEGMENT_NAMES, ProgramView, first_word

MEMORY_NAMES = {
    Memory.SMEM: "pixels",
    Memory.WEIGHT: "weights",
    Memory.GROUP_INDEX: "group indices",
    Memory.BLOCK_INDEX: "block indices",
    Memory.TAP: "taps",
    Memory.CHANNEL: "channels",
    Memory.RESIDUAL_CHANNEL: "residual channels",
}
ENGINE_MARKS = {"load": "load", "execute": "exec", "store": "store", "": "end"}
PHASES = 4


@dataclass(frozen=True, kw_only=True)
class Line:
    """One command in words.

    Attributes
    ----------
    waits, signals : engines whose tokens it takes, and for which it puts down one.
    stage : the layer that it works for; empty if none.
    text : what it does.
    """

    number: int
    engine: str
    opcode: str
    waits: tuple[str, ...]
    signals: tuple[str, ...]
    stage: str
    text: str
    fields: dict[str, int]

    @property
    def tokens(self) -> str:
        """Tokens as they are printed: ``<load`` is taken from the load engine, ``>store`` is for store."""
        return " ".join([*(f"<{name}" for name in self.waits), *(f">{name}" for name in self.signals)])

    def to_json(self) -> dict[str, Any]:
        """The line as JSON types; fields that are 0 are left out."""
        values = {name: value for name, value in self.fields.items() if value}
        return {
            "number": self.number,
            "opcode": self.opcode,
            "waits": list(self.waits),
            "signals": list(self.signals),
            "stage": self.stage,
            "text": self.text,
            "fields": values,
        }


@dataclass
class Disassembler:
    """Puts the commands of one program into words."""

    view: ProgramView
    _done: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _first_base: dict[str, int] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[Line]:
        """All commands in order."""
        numbered = enumerate(zip(self.view.commands, self.view.stage_of, strict=True))
        return [self._line(number, command, stage) for number, (command, stage) in numbered]

    def _line(self, number: int, command: Command, stage: str) -> Line:
        return Line(
            number=number,
            engine=command.engine,
            opcode=command.opcode.name,
            waits=_flags(command, "wait"),
            signals=_flags(command, "signal"),
            stage=stage,
            text=self._text(command, stage),
            fields={entry.name: command[entry.name] for entry in FORMATS[command.opcode][1:]},
        )

    def _text(self, command: Command, stage: str) -> str:
        match command.opcode:
            case Opcode.LOAD:
                return self._pixels(command, "") if is_tensor(command) else self._parameters(command, stage)
            case Opcode.STORE:
                return self._pixels(command, "from ")
            case Opcode.EXECUTE:
                return self._execute(command, stage)
            case Opcode.END:
                return "end of the program"
            case _:
                return "tokens only"

    def _pixels(self, command: Command, direction: str) -> str:
        """A transfer of a tensor: which rows, where on the chip, where in external memory."""
        tensor = self.view.tensor(command)
        name = f"{tensor.name} {self._rows(tensor, command)}" if tensor else "pixels of no tensor"
        planes = f", {command['planes']} planes" if command["planes"] > 1 else ""
        phased = ", split by parity" if command["phased"] else ""
        place = f"SMEM {_ring(command, 'base', 'ring', phased=bool(phased))} at {command['start']}"
        verb = "to " if direction else "from "
        on_chip = f"{direction or 'to '}{place}"
        return f"{name} x {command['width']}{planes}{phased} {on_chip}, {verb}{_address(command)}"

    def _rows(self, tensor: TensorInfo, command: Command) -> str:
        first, last = self.view.rows(tensor, command)
        return _range("row", first, last)

    def _parameters(self, command: Command, stage: str) -> str:
        config, memory = self.view.image.config, Memory(command["memory"])
        size = command["beats"] * config.bus_bits // 8
        owner = f" of {stage}" if stage else ""
        return (
            f"{MEMORY_NAMES[memory]}{owner} to word {first_word(config, command)}, {size} bytes "
            f"from {_address(command)}"
        )

    def _execute(self, command: Command, stage: str) -> str:
        config = self.view.image.config
        base = self._first_base.setdefault(stage, command["out_base"])
        plane_number = (command["out_base"] - base) // max(1, command["out_plane"])
        first_tile = plane_number * (config.word_channels // config.rows) + command["out_part"]
        key = stage, command["out_base"], command["out_part"]
        first = self._done.get(key, 0)
        self._done[key] = last = first + command["out_height"]
        tiles = _range("tile", first_tile, first_tile + command["row_tiles"])
        verb = "maximum" if command["max_pool"] else f"N = {command['n']}"
        out = _ring(command, "out_base", "out_ring", phased=bool(command["out_phased"]))
        one_phase = self._one_phase(command)
        split = not one_phase and command["act_plane"] == PHASES * command["act_ring"]
        read = _ring(command, "act_base", "act_ring", phased=split)
        added = f" + {_ring(command, 'res_base', 'res_ring')}" if command["residual"] else ""
        groups = (command["pixel_tiles"] - 1) * command["depth_full"] + command["depth_last"]
        return (
            f"{stage or 'job'} {_range('row', first, last)} {'of a phase ' * one_phase}"
            f"x {command['out_width']}, {tiles}, {verb}, {groups} column groups, SMEM {read}{added} to {out}"
        )

    def _one_phase(self, command: Command) -> bool:
        """Whether the output of a job is one ring of a phased tensor."""
        return not command["out_phased"] and command["out_plane"] == PHASES * command["out_ring"]


def disassemble(view: ProgramView) -> list[Line]:
    """Put all commands of a program into words."""
    return Disassembler(view).lines


def format_lines(lines: Iterable[Line]) -> list[str]:
    """Aligned text, one string per command."""
    lines = list(lines)
    width = max((len(line.tokens) for line in lines), default=0)
    digits = max((len(str(line.number)) for line in lines), default=1)
    return [
        f"{line.number:>{digits}}  {ENGINE_MARKS[line.engine]:<5}  {line.tokens:<{width}}  {line.text}"
        for line in lines
    ]


def _flags(command: Command, kind: str) -> tuple[str, ...]:
    names = (name.partition("_") for name, value in command.fields.items() if value)
    return tuple(other for first, _, other in names if first == kind)


def _range(noun: str, first: int, last: int) -> str:
    """Half-open range in words."""
    return f"{noun} {first}" if last - first == 1 else f"{noun}s {first}-{last - 1}"


def _ring(command: Command, base: str, ring: str, *, phased: bool = False) -> str:
    rings = f"{PHASES} rings" if phased else "ring"
    return f"{command[base]} ({rings} of {command[ring]})"


def _address(command: Command) -> str:
    return f"{SEGMENT_NAMES[command['segment']]}+{command['offset']:#x}"
