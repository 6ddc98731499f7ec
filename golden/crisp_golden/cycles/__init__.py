"""Cycle models of the core and of the accelerator: equal to the counters of the hardware."""
