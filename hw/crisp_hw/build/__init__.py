"""From components to files: Verilog, its lint, the C header of the registers, and FPGA builds."""
