"""The hybrid pattern: a grid of blocks, N:M inside of them, rank-columns of blocks, and floors."""
