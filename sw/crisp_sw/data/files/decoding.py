"""Pictures decoded once, by worker processes, into one memory-mapped array that is kept.

The array ``<name>.npy`` is uint8[N, 3, size, size]; ``<name>.unreadable.json`` beside it says which pictures
could not be read and why. Both get their names when they are complete, the array last.
"""

import json
import math
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crisp_files.atomic_files import new_file, write_bytes
from crisp_files.json_toml import parse_json
from crisp_files.printable import printable
from crisp_sw.data.files.picture import decode_picture
from crisp_sw.errors import DatasetError

# A worker costs seconds to start: it pays for thousands of small pictures.
FILES_PER_WORKER = 2000
CHUNK = 512
Problem = tuple[int, str]


@dataclass(frozen=True)
class DecodedPictures:
    """Decoded pictures, and those that could not be read.

    Attributes
    ----------
    images : uint8[N, 3, size, size], mapped copy-on-write; zeros where a picture could not be read.
    problems : (index, message that names the file) of these.
    """

    images: np.ndarray
    problems: tuple[Problem, ...]


def decode_cached(
    files: Sequence[Path], size: int, cached: Path, *, workers: int | None = None, strict: bool = True
) -> DecodedPictures:
    """Map the decoded pictures, after decoding them where they are not cached.

    Parameters
    ----------
    cached : the array; its folder is made.
    workers : processes; by default one for each core, where there are enough pictures to be worth it.
    strict : refuse the whole at the first picture that cannot be read, before anything is cached.

    Raises
    ------
    DatasetError : a picture cannot be read and ``strict`` is set, the cache is damaged, or the disk too full.
    """
    if not cached.is_file():
        _decode_all(files, size, cached, workers, strict)
    problems = _read_problems(_problem_file(cached))
    if strict and problems:
        raise DatasetError(problems[0][1])
    try:
        # Copy on write: torch wants writable memory, and the file must never change.
        images = np.load(cached, mmap_mode="c")
    except (OSError, EOFError, ValueError) as error:
        raise DatasetError(f"{cached}: damaged cache ({error}); remove it and try again") from error
    if images.shape != (len(files), 3, size, size) or images.dtype != np.uint8:
        raise DatasetError(f"{cached}: cache of another shape {images.shape}; remove it and try again")
    return DecodedPictures(images, problems)


def _problem_file(cached: Path) -> Path:
    return cached.with_suffix(".unreadable.json")


def _read_problems(path: Path) -> tuple[Problem, ...]:
    try:
        return tuple((int(index), str(message)) for index, message in parse_json(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(f"{path}: damaged cache ({error}); remove its folder and try again") from error


def _decode_all(files: Sequence[Path], size: int, cached: Path, workers: int | None, strict: bool) -> None:
    with new_file(cached) as temporary:
        _require_room(len(files), size, cached.parent)
        np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(len(files), 3, size, size))
        problems = sorted(_decode_chunks(files, size, temporary, _worker_count(len(files), workers), strict))
        write_bytes(_problem_file(cached), json.dumps(problems).encode())


def _require_room(count: int, size: int, folder: Path) -> None:
    """Raise unless the decoded pictures fit the disk: a mapped file that does not ends the process."""
    most = math.isqrt(shutil.disk_usage(folder).free // (3 * max(1, count)))
    if size > most:
        raise DatasetError(
            f"`image_size` must be at most {most}, not {size}: {count} pictures of more pixels exceed the "
            f"free space of {folder}"
        )


def _worker_count(files: int, wanted: int | None) -> int:
    if multiprocessing.current_process().daemon:
        return 1  # daemons must not start processes
    if wanted is not None:
        return max(1, wanted)
    return max(1, min(len(os.sched_getaffinity(0)), files // FILES_PER_WORKER))


def _decode_chunks(
    files: Sequence[Path], size: int, array: Path, workers: int, strict: bool
) -> Iterator[Problem]:
    """Decode into the array; yields problems, or raises the first if ``strict``."""
    tasks = [
        (files[start : start + CHUNK], start, size, array, strict) for start in range(0, len(files), CHUNK)
    ]
    if workers > 1:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        pool = ProcessPoolExecutor(workers, mp_context=context)
        try:
            futures = [pool.submit(_decode_chunk, *task) for task in tasks]
            for future in as_completed(futures):
                yield from future.result()
            return
        except BrokenProcessPool:
            pass  # a script without a guarded main module cannot start processes: decode here
        finally:
            pool.shutdown(cancel_futures=True)
    for task in tasks:
        yield from _decode_chunk(*task)


def _decode_chunk(files: Sequence[Path], start: int, size: int, array: Path, strict: bool) -> list[Problem]:
    images, problems = np.lib.format.open_memmap(array, mode="r+"), []
    for index, file in enumerate(files, start):
        try:
            images[index] = decode_picture(file, size)
        except DatasetError as error:
            if strict:
                raise
            problems.append((index, printable(str(error))))
    images.flush()
    return problems
