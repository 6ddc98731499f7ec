"""Data sets of a few compressed files, unpacked once: one memory-mapped safetensors file in the cache."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open

from crisp_files.json_toml import parse_json
from crisp_files.json_values import entries_from_json
from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.errors import DatasetError
from crisp_sw.exchange.tensor_files import write_safetensors

CACHE_VERSION = 2
HEADER_KEY = "data set"
HEADER = {"name": str, "classes": tuple[str, ...], "class_ids": tuple[str, ...]}


def load_unpacked(files: Sequence[Path], cache: Path, read: Callable[[], DatasetSplits]) -> DatasetSplits:
    """Map what an earlier call unpacked from the same files, or unpack them.

    Parameters
    ----------
    files : all that ``read`` depends on; a change of one of them unpacks them again.
    read : unpacks the files.

    Raises
    ------
    DatasetError : the cache is damaged, or what ``read`` raises. Nothing is cached then.
    """
    key = files_key(f"{CACHE_VERSION} {' '.join(str(file.resolve()) for file in files)}", files)
    cached = cache / "unpacked" / f"{key}.safetensors"
    if cached.is_file():
        return _map(cached)
    splits = read()
    with suppress(OSError, SafetensorError):  # a cache that cannot be written costs time and nothing else
        _write(cached, splits)
    return splits


def files_key(head: str, files: Iterable[Path]) -> str:
    """Hexadecimal digits that change with ``head`` and with path, size and times of change of every file."""
    digest = hashlib.sha256(os.fsencode(head))
    for file in files:
        digest.update(os.fsencode(f"{file} {_signature(file)}\n"))
    return digest.hexdigest()[:32]


def _signature(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return "missing"
    # Unpacking can give files of equal size the same time of their last change; nobody sets the other one.
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _write(cached: Path, splits: DatasetSplits) -> None:
    tensors = {
        f"{name}.{kind}": getattr(part, kind)
        for name, part in (("train", splits.train), ("test", splits.test))
        for kind in ("images", "labels")
    }
    header = {"name": splits.name, "classes": splits.classes, "class_ids": splits.class_ids}
    write_safetensors(cached, tensors, {HEADER_KEY: json.dumps(header)})


def _map(cached: Path) -> DatasetSplits:
    try:
        with safe_open(cached, framework="pt") as file:
            header = entries_from_json(HEADER, parse_json(file.metadata()[HEADER_KEY]), HEADER_KEY)
            train, test = (
                ImageSet(file.get_tensor(f"{name}.images"), file.get_tensor(f"{name}.labels"))
                for name in ("train", "test")
            )
        return DatasetSplits(train=train, test=test, **header)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{cached}: damaged cache ({error}); remove it and try again") from error
