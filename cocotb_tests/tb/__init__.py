"""What runs inside the simulator: cocotb benches and the drivers that they share."""
