"""Test benches that run the generated hardware in a simulator and compare it with the golden model."""
