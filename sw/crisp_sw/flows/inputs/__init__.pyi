from .class_task import ClassTask, load_task
from .float_models import ForeignWeights, SourceError, load_data, load_float_model
from .user_classes import OTHER, UserClasses

__all__ = [
    "OTHER",
    "ClassTask",
    "ForeignWeights",
    "SourceError",
    "UserClasses",
    "load_data",
    "load_float_model",
    "load_task",
]
