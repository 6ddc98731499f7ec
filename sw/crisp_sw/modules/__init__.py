"""Torch modules of any origin: their modes, wrappers, graphs, precision and states."""
