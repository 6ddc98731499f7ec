"""The way of finished outputs: which of them are wanted, and where they go in SMEM."""
