"""Packed networks on the compute core in simulation, layer by layer."""
