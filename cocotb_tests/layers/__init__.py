"""Layer-level benches: packed layers on the whole compute core."""
