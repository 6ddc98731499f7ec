"""Formats of files as trees of values, read from seeds and written after edits."""
