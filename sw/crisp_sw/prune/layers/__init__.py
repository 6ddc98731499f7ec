"""Which layers are pruned and which are not, and what they compute with."""
