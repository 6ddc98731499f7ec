"""Commands that generate and build hardware, or run single layers on it."""
