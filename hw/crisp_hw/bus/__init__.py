"""AXI ports, bursts and the queues between streams."""
