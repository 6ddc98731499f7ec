from .budgets import PruneBudget
from .class_task import ClassTask, load_task
from .float_models import ForeignWeights, SourceError, load_data, load_float_model
from .progress import StepCallback, ignore_progress
from .pruning import prune_task
from .quantizing import int8_accuracy, normalised, quantize_pruned
from .user_classes import OTHER, UserClasses

__all__ = [
    "OTHER",
    "ClassTask",
    "ForeignWeights",
    "PruneBudget",
    "SourceError",
    "StepCallback",
    "UserClasses",
    "ignore_progress",
    "int8_accuracy",
    "load_data",
    "load_float_model",
    "load_task",
    "normalised",
    "prune_task",
    "quantize_pruned",
]
