"""Fuzzers of everything that reads things from outside: files, command lines, an accelerator's registers."""
