"""The steps from a trained network to a packed one, as the command line and the demo take them."""

from crisp_sw.steps.class_task import ClassTask, load_task
from crisp_sw.steps.float_models import ForeignWeights, SourceError, load_data, load_float_model
from crisp_sw.steps.json_files import read_json, write_json
from crisp_sw.steps.progress import StepCallback, ignore_progress
from crisp_sw.steps.pruning import PruneBudget, prune_task
from crisp_sw.steps.quantizing import int8_accuracy, normalised, quantize_pruned
from crisp_sw.steps.user_classes import OTHER, UserClasses

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
    "read_json",
    "write_json",
]
