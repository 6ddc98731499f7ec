"""Generator of the CRISP-STC compute core in Amaranth HDL, its Verilog and its FPGA builds."""
