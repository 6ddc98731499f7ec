"""Contract of the accelerator: configuration, formats, integer arithmetic and cycle model. NumPy only."""
