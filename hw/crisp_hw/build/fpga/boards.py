"""FPGA boards that the core can be built for."""

from dataclasses import dataclass
from importlib.resources import files

from crisp_files.folders import in_checkout
from crisp_spec.errors import CrispError


class BoardError(CrispError):
    """There is no board of that name."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board with a Lattice ECP5.

    Attributes
    ----------
    name : as on the command line.
    part : what is printed on the FPGA.
    device : size and family as nextpnr-ecp5 calls them, its option ``--<device>``.
    package : as nextpnr-ecp5 calls it.
    speed : speed grade, 6 (slowest) to 8.
    constraints : file in ``constraints/`` with the pins, see `constraints_text`.
    clock_mhz : frequency of the board's oscillator at the pin ``clk``.
    target_mhz : clock that place and route aims at, see ``constraints/README.md``.
    reset_active_low : the reset button's level while it is pressed.
    """

    name: str
    part: str
    device: str
    package: str = "CABGA381"
    speed: int = 6
    constraints: str
    clock_mhz: float
    target_mhz: float = 125.0
    reset_active_low: bool = False


def _ulx3s(size: str) -> Board:
    return Board(
        name=f"ulx3s-{size}f",
        part=f"LFE5U-{size}F-6BG381C",
        device=f"{size}k",
        constraints="ulx3s.lpf",
        clock_mhz=25.0,
    )


_ECP5_EVN = Board(
    name="ecp5-evn",
    part="LFE5UM5G-85F-8BG381",
    device="um5g-85k",
    speed=8,
    constraints="ecp5-evn.lpf",
    clock_mhz=12.0,
    reset_active_low=True,
)

BOARDS: dict[str, Board] = {
    board.name: board for board in (*[_ulx3s(size) for size in ("85", "45", "25", "12")], _ECP5_EVN)
}


def board(name: str) -> Board:
    """Return the named board.

    Raises
    ------
    BoardError : there is no board of that name; the message lists those there are.
    """
    if name not in BOARDS:
        raise BoardError(f"no board {name!r}; expected one of {', '.join(BOARDS)}")
    return BOARDS[name]


def constraints_text(board: Board) -> str:
    """Return the pins of ``board`` in nextpnr's LPF dialect.

    The top-level folder ``constraints`` of a checkout lies beside this module where the package is installed.
    """
    installed = files("crisp_hw.build.fpga") / "constraints" / board.constraints
    source = installed if installed.is_file() else in_checkout(f"constraints/{board.constraints}")
    return source.read_text(encoding="utf-8")
