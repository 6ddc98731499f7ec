from .budgets import PruneBudget
from .progress import StepCallback, ignore_progress
from .prune_step import prune_task, pruned_step
from .quantize_step import int8_accuracy, normalised, quantize_pruned

__all__ = [
    "PruneBudget",
    "StepCallback",
    "ignore_progress",
    "int8_accuracy",
    "normalised",
    "prune_task",
    "pruned_step",
    "quantize_pruned",
]
