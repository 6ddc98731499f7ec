"""The register for the reset, and what is read of a module's ports."""

import pytest

from crisp_sim.errors import BuildError
from crisp_sim.simulators.verilog_top import Port, registered_reset, top_ports

DEVICE = """module part (
  input clk
);
endmodule

module device (
  input clk,
  input rst,

  input signed [7:0] data,
  output [15:0] sum,
  output reg done = 1'h0
);
  part p (.clk(clk));
endmodule
"""


def test_ports_are_those_of_the_top_alone():
    assert top_ports(DEVICE, "device") == [
        Port("clk", "input", ""),
        Port("rst", "input", ""),
        Port("data", "input", "signed [7:0]"),
        Port("sum", "output", "[15:0]"),
        Port("done", "output", ""),
    ]


def test_the_reset_passes_a_register_and_everything_else_does_not():
    text = registered_reset(DEVICE, "device")
    ports = "input clk,\n input rst,\n input signed [7:0] data,\n output [15:0] sum,\n output done"
    assert text.count(f"module device (\n {ports}\n);") == 1
    assert "module device__device (\n  input clk,\n  input rst,\n" in text
    wires = ".clk(clk), .rst(reset), .data(data), .sum(sum), .done(done)"
    assert f"device__device device({wires});" in text


def test_verilog_without_the_module_is_refused():
    with pytest.raises(BuildError, match="defines no module 'device'"):
        registered_reset("module other (\n  input clk\n);\nendmodule\n", "device")
