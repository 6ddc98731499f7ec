"""Program images, read back: commands, and which part of the network each of them works for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from crisp_files.input_files import read_regular
from crisp_golden.machine.program_image import ImageError, ProgramImage, TensorInfo
from crisp_golden.machine.transfers import is_tensor
from crisp_spec.commands import COMMAND_BYTES, Command, Memory, Opcode, decode_command
from crisp_spec.config import CoreConfig
from crisp_spec.legality import violation
from crisp_spec.memories import word_bits

MOST_BYTES = 1 << 31
SEGMENT_NAMES = ("program", "input", "output", "scratch")

BASES = {
    Memory.WEIGHT: "weight_base",
    Memory.GROUP_INDEX: "weight_base",
    Memory.BLOCK_INDEX: "index_base",
    Memory.CHANNEL: "channel_base",
    Memory.RESIDUAL_CHANNEL: "channel_base",
    Memory.TAP: "tap_base",
}
"""Field of EXECUTE that says which word of a parameter memory the job reads first."""


def first_word(config: CoreConfig, command: Command) -> int:
    """First word that a load of parameters fills."""
    return command["address"] * config.bus_bits // word_bits(config, Memory(command["memory"]))


@dataclass(frozen=True, eq=False)
class ProgramView:
    """A program image with its commands decoded.

    Raises
    ------
    ImageError : a command of the image is none, or illegal for its configuration.
    """

    image: ProgramImage

    def __post_init__(self):
        self.commands  # noqa: B018 - decoded now, so that errors come now

    @cached_property
    def commands(self) -> list[Command]:
        """All commands in order, END included."""
        return [self._decode(number) for number in range(self.image.commands)]

    def _decode(self, number: int) -> Command:
        start = number * COMMAND_BYTES
        command = decode_command(self.image.contents[start : start + COMMAND_BYTES])
        if command is None:
            raise ImageError(f"command {number} of the program image is illegal")
        if reason := violation(self.image.config, command):
            raise ImageError(f"command {number} of the program image is illegal: {reason}")
        return command

    @cached_property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """Everything in external memory that is no parameter."""
        return (self.image.input, self.image.output, *self.image.kept)

    @cached_property
    def stages(self) -> list[str]:
        """Names of the stages in the order in which they first compute."""
        return list(dict.fromkeys(name for name, _, _ in self.image.spans))

    @cached_property
    def stage_of(self) -> list[str]:
        """For every command the stage that it works for; empty where there is none.

        A store works for the stage whose output it stores, a load for the first that reads what it loads.
        """
        result = [""] * len(self.commands)
        for name, first, last in self.image.spans:
            for number in range(first, last):
                if self.commands[number].engine == "execute":
                    result[number] = name
        for number, command in enumerate(self.commands):
            if command.opcode is Opcode.STORE:
                tensor = self.tensor(command)
                result[number] = tensor.name if tensor else ""
            elif command.opcode is Opcode.LOAD:
                result[number] = next((result[i] for i in self._readers(number, command)), "")
        return result

    def tensor(self, command: Command) -> TensorInfo | None:
        """The tensor in external memory that a LOAD or STORE touches; None if there is none."""
        for tensor in self.tensors:
            start = command["offset"] - tensor.offset
            if tensor.segment == command["segment"] and 0 <= start < max(1, tensor.size(self.image.config)):
                return tensor
        return None

    def rows(self, tensor: TensorInfo, command: Command) -> tuple[int, int]:
        """Image rows (half-open) of a tensor that a LOAD or STORE moves."""
        first = (command["offset"] - tensor.offset) // (tensor.width * self.image.config.word_channels)
        return first, first + command["rows"]

    def _readers(self, number: int, load: Command) -> Iterator[int]:
        """Numbers of the executes behind a load that read what it loads, to the first that surely does."""
        memory = Memory(load["memory"])
        if is_tensor(load):
            wanted = load["base"]
            names = ("act_base", "res_base")
        else:
            wanted, names = first_word(self.image.config, load), (BASES[memory],)
        for later in range(number + 1, len(self.commands)):
            command = self.commands[later]
            if command.opcode is Opcode.EXECUTE and wanted in [
                command[name] for name in names if name != "res_base" or command["residual"]
            ]:
                yield later


def read_program(path: Path) -> ProgramView:
    """Read a program image and decode its commands.

    Raises
    ------
    ImageError : the file is damaged; OSError : it cannot be read.
    """
    data = read_regular(path, MOST_BYTES)
    try:
        return ProgramView(ProgramImage.from_bytes(data))
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
