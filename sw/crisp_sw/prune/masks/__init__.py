"""Masks: which weights of a layer stay, and how training treats those that do not."""
