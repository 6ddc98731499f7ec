"""The three engines that carry out commands: load, execute and store."""
