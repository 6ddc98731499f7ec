"""The RTL in simulation, as the flows of `crisp_sw` get it handed in."""
