"""Error codes with which the accelerator stops, in hardware and in the simulator alike."""

from enum import IntEnum

from crisp_spec.errors import CrispError


class ErrorCode(IntEnum):
    """Why a program stopped. After an error, all commands before the offending one have been completed."""

    NONE = 0
    ILLEGAL_COMMAND = 1
    """Unknown opcode, a bit outside the fields, or a field outside its range for this configuration."""
    TOKEN_MISUSE = 2
    """In program order a wait finds no token, or a signal puts down more than ``TOKEN_LIMIT``."""
    ADDRESS = 3
    """A transfer is misaligned, leaves its segment, or the segment does not permit its direction."""
    BUS_READ = 4
    """The bus answered a read of data with an error."""
    BUS_WRITE = 5
    """The bus answered a write with an error."""
    BUS_FETCH = 6
    """The bus failed a command's fetch, or the program is misaligned or leaves its segment."""
    WATCHDOG = 7
    """The program ran for more cycles than the watchdog register allows."""


class ProgramError(CrispError):
    """A program stopped with an error.

    Attributes
    ----------
    code : the reason; index : of the offending command, counted from 0.
    """

    def __init__(self, code: ErrorCode, index: int, detail: str = ""):
        self.code = code
        self.index = index
        super().__init__(f"command {index}: {code.name}" + (f": {detail}" if detail else ""))
