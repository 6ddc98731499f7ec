"""The whole accelerator with an external memory as one compiled library, for programs of millions of cycles.

Nothing but the harness's C++ runs while a program does: no cocotb, no simulator interface, and Python asleep.
"""
