"""Seeded random layers, networks and commands, as benches and tests of every package use them."""
