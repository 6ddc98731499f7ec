"""What can be generated of a configuration: the accelerator with its buses, or the compute core alone."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from crisp_hw.accelerator import CrispStc
    from crisp_hw.core.core import CrispCore

Top = Literal["accelerator", "core"]
MODULES: dict[Top, str] = {"accelerator": "crisp_stc", "core": "crisp_core"}
"""What their Verilog modules are called, before the name of the configuration."""


def find_top(name: Top) -> "type[CrispStc] | type[CrispCore]":
    """The component of that name; imports the generator."""
    from crisp_hw.accelerator import CrispStc
    from crisp_hw.core.core import CrispCore

    return CrispStc if name == "accelerator" else CrispCore
