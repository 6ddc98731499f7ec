"""Runs of benches: started, watched, and held to the results that they must have."""
