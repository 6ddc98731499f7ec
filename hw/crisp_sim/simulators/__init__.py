"""Verilator and Icarus Verilog, and the models that they build, kept by content."""
