"""Causes of cycles: every cycle of a program has exactly one of them, in hardware and in the cycle model."""

CORE_CAUSES = {
    "prologue": "the core fills its pipelines and loads the first weights",
    "compute": "the array multiplies, or takes a maximum",
    "residual": "the array fetches the residual tensor",
    "load": "the array waits for weights or indices",
    "drain": "the array waits for the output stage",
    "flush": "last window to last output of a job; the prologue of the next may hide in it",
}
"""What the core does while a job runs. The cycles of a job add up to those from its start to its end."""

PROGRAM_CAUSES = {
    **CORE_CAUSES,
    "wait_load": "the execute engine waits for a token of the load engine",
    "wait_store": "the execute engine waits for a token of the store engine",
    "idle": "the execute engine has no command",
}
"""What the execute engine does in each cycle of a program. They add up to all its cycles."""
