"""The generated hardware in simulation: simulators, builds kept by content, runs, and models of its buses."""
