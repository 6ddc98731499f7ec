"""From the program in memory to the engines: dispatcher, engines, registers and counters."""
