"""Data sets: images as bytes in memory, by name or path, whole or cut down to the classes of one user."""

from crisp_sw.data.augment import augment
from crisp_sw.data.balance import balanced_order
from crisp_sw.data.class_lookup import resolve_classes
from crisp_sw.data.dataset import DatasetSplits, ImageSet, Normalization
from crisp_sw.data.registry import load_dataset
from crisp_sw.data.subset import class_subset, select_classes

__all__ = [
    "DatasetSplits",
    "ImageSet",
    "Normalization",
    "augment",
    "balanced_order",
    "class_subset",
    "load_dataset",
    "resolve_classes",
    "select_classes",
]
