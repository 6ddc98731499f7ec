"""Benches of the whole accelerator on its AXI ports, against bus models that are not of this project."""
