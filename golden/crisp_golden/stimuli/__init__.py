"""Seeded random layers, networks, jobs and programs, as the tests and benches of every package use them."""
