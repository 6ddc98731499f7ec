"""The Verilog that yosys writes, made readable: take its modules apart, simplify them, print them."""
