"""The compute core in a bench: its clock, its ports as fields, its memories, and whole layers on it."""
