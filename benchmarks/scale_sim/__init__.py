"""SCALE-Sim, a simulator of systolic arrays that is not ours, on the layers that the RTL runs."""
