"""Unit benches: one device of the core each, under random stimulus, against the golden model."""
