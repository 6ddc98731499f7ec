"""What the files of models are called, and which kind of model a directory has: known without opening any."""

from pathlib import Path

MODEL_FILE, TRAINING_FILE = "model.safetensors", "train.json"
PATTERN_FILE, MASK_FILE = "patterns.safetensors", "masks.safetensors"
PRUNING_FILE = "prune.json"


def is_checkpoint_directory(directory: Path) -> bool:
    """Whether `crisp train` wrote a directory."""
    return (directory / MODEL_FILE).is_file() and (directory / TRAINING_FILE).is_file()


def is_pruned_model(directory: Path) -> bool:
    """Whether `crisp_sw.exchange.pruned_model.save_pruned` wrote a directory."""
    return (directory / PRUNING_FILE).is_file() and (directory / MODEL_FILE).is_file()
