"""Technologies that the cells can be mapped to."""

from enum import Enum


class Technology(Enum):
    """Technology of the generated hardware.

    GENERIC : behavioural cells only; simulates everywhere, any tool may infer its own macros.
    ECP5 : Lattice ECP5 DSP and block RAM primitives are instantiated with their internal registers used.
    """

    GENERIC = "generic"
    ECP5 = "ecp5"

    @property
    def suffix(self) -> str:
        """End of the names of modules that depend on the technology."""
        return "" if self is Technology.GENERIC else f"_{self.value}"
