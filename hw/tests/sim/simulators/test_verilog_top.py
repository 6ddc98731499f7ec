"""The register for the reset, and what is read of a module's ports."""

import pytest

from crisp_sim.errors import BuildError
from crisp_sim.simulators.verilog_top import Port, registered_reset, top_ports

DEVICE = """module part(clk);
  input clk;
endmodule

module device(clk, rst, data, sum, \\output );
  input clk;
  wire clk;
  input rst;
  input [7:0] data;
  output [15:0] sum;
  output \\output ;
  part p (.clk(clk));
endmodule
"""


def test_ports_are_those_of_the_top_alone():
    assert top_ports(DEVICE, "device") == [
        Port("clk", "input", ""),
        Port("rst", "input", ""),
        Port("data", "input", "[7:0]"),
        Port("sum", "output", "[15:0]"),
        Port("output", "output", ""),
    ]


def test_the_reset_passes_a_register_and_everything_else_does_not():
    text = registered_reset(DEVICE, "device")
    assert text.count("module device(") == 1
    ports = r"input \clk , input \rst , input [7:0] \data , output [15:0] \sum , output \output "
    assert f"module device({ports});" in text
    assert "module device__device(clk, rst" in text
    wires = r".\clk (\clk ), .\rst (reset), .\data (\data ), .\sum (\sum ), .\output (\output )"
    assert f"device__device device({wires});" in text


def test_verilog_without_the_module_is_refused():
    with pytest.raises(BuildError, match="defines no module 'device'"):
        registered_reset("module other(clk);\nendmodule\n", "device")
