"""The accelerator without its clock: programs, the chip, and the simulator that executes them."""
