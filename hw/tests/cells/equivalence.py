"""Formal equivalence of a cell's ECP5 form and its generic form, by yosys's temporal induction.

Both forms sit in one module that gives them the same inputs. The induction shows for all input sequences
of any length, from power-up, that their outputs never differ.
"""

from collections.abc import Sequence
from pathlib import Path

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Component, In, Out

from crisp_hw import cells
from crisp_hw.build.fpga.tools import find_yosys, run_tool
from crisp_hw.build.verilog import rtlil_text

MODELS = Path(cells.__file__).parent / "models"


class Miter(wiring.Component):
    """Two components with the same ports, ``generic`` and ``vendor``, fed alike.

    Members
    -------
    Every input of the two; ``mismatch`` : Out(1), an output of the two differs.
    """

    mismatch: Signal

    def __init__(self, generic: Component, vendor: Component):
        self.generic, self.vendor = generic, vendor
        inputs = {name: In(member.shape) for name, member in members(generic, In).items()}
        super().__init__({**inputs, "mismatch": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.generic, m.submodules.vendor = self.generic, self.vendor
        for name in members(self.generic, In):
            m.d.comb += [getattr(form, name).eq(getattr(self, name)) for form in (self.generic, self.vendor)]
        for name in members(self.generic, Out):
            with m.If(getattr(self.generic, name) != getattr(self.vendor, name)):
                m.d.comb += self.mismatch.eq(1)
        return m


def members(component: Component, flow: wiring.Flow) -> dict[str, wiring.Member]:
    """Ports of one direction by name."""
    return {name: member for name, member in component.signature.members.items() if member.flow is flow}


def prove(
    miter: Component,
    model: str,
    folder: Path,
    *,
    defines: Sequence[str] = (),
    preparation: Sequence[str] = (),
    invariants: Sequence[tuple[str, str]] = (),
) -> str:
    """Prove that ``mismatch`` of ``miter`` stays 0; return the log.

    Parameters
    ----------
    model : Verilog source of the primitive that the vendor form instantiates.
    preparation : yosys commands between flattening and proof.
    invariants : pairs of wires that are equal in every reachable state; they are proved with the claim,
        and without them the induction would start from states in which the two memories differ.

    Raises
    ------
    ToolError : the proof fails; the message is yosys's.
    """
    (folder / "model.v").write_text(model)
    (folder / "miter.il").write_text(rtlil_text(miter, "miter"))
    claims = " ".join(f"-prove {left} {right}" for left, right in [("mismatch", "0"), *invariants])
    script = [
        f"read_verilog -defer {' '.join(f'-D{define}' for define in defines)} model.v",
        "read_rtlil miter.il",
        "hierarchy -check -top miter",
        "proc",
        "flatten",
        "opt -full",
        *preparation,
        f"sat -tempinduct -verify -maxsteps 4 {claims} miter",
    ]
    (folder / "proof.ys").write_text("\n".join(script) + "\n")
    return run_tool(find_yosys(), ["proof.ys"], folder=folder, log="proof.log")
