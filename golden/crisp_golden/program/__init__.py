"""Programs: command formats, register map, program images, and the simulator that executes them."""
