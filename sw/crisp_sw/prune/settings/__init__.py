"""Settings of a pruning run, checked, and what follows from them: schedules and rules of layers."""
