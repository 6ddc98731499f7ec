"""The top module of a Verilog text: its ports, and a register for its reset."""

import re
from dataclasses import dataclass

from crisp_sim.errors import BuildError


@dataclass(frozen=True)
class Port:
    """A port of a module.

    Attributes
    ----------
    direction : "input" or "output".
    width : range as it stands in the declaration, such as ``[7:0]``; empty for one bit.
    """

    name: str
    direction: str
    width: str


def top_ports(verilog: str, top: str) -> list[Port]:
    """Return the ports of module ``top``, in the order in which they are declared.

    Raises
    ------
    BuildError : the text does not define the module.
    """
    header = re.search(rf"^module {re.escape(top)} \(\n(.*?)^\);", verilog, re.DOTALL | re.MULTILINE)
    if header is None:
        raise BuildError(f"the Verilog defines no module {top!r}")
    declarations = re.findall(
        r"^  (input|output) (?:reg )?((?:signed )?(?:\[\d+:0\] )?)(\w+)", header[1], re.MULTILINE
    )
    return [Port(name, direction, width.strip()) for direction, width, name in declarations]


def registered_reset(verilog: str, top: str) -> str:
    """Return the Verilog with a new module ``top`` around the old one, where ``rst`` passes a register.

    All logic depends on the reset. Were it an input, a model would have to evaluate everything again
    whenever inputs may have changed. The reset comes a cycle later for it, and is active at the start.

    Raises
    ------
    BuildError : the text does not define the module.
    """
    ports = top_ports(verilog, top)
    device = f"{top}__device"
    declared = ",\n".join(f"  {port.direction} {port.width} {port.name}".replace("  ", " ") for port in ports)
    connected = ", ".join(f".{port.name}({'reset' if port.name == 'rst' else port.name})" for port in ports)
    renamed = re.sub(rf"^module {re.escape(top)} \(", f"module {device} (", verilog, flags=re.MULTILINE)
    return (
        f"{renamed}\n"
        f"module {top} (\n{declared}\n);\n"
        "  reg reset = 1;\n"
        "  always @(posedge clk) reset <= rst;\n"
        f"  {device} device({connected});\n"
        "endmodule\n"
    )
