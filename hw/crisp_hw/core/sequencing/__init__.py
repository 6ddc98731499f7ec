"""When the array computes what: tiles, beats, residuals, drains, and a cause for every cycle."""
