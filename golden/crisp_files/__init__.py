"""Files and texts that may come from anybody, and outputs that are there completely or not at all."""
