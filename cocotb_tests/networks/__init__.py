"""Network-level bench: every convolution and linear layer of a packed network on the compute core."""
