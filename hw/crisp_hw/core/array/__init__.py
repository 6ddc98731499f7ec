"""The array: rows of N:M lanes with accumulators, and the output stage of every row."""
