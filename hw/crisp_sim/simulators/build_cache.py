"""Simulation models by content: a model is built once, whoever asks for it and however many ask at once."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crisp_sim.errors import BuildError
from crisp_sim.simulators.plain_paths import build_directory
from crisp_sim.simulators.simulators import Simulator

BUILD_LOG = "build.log"


def built_model(simulator: Simulator, verilog: Path, top: str, *, waves: bool, cache: Path) -> Path:
    """Return the directory of the model of ``top``, building it if ``cache`` does not hold it.

    The directory's name is a hash of the Verilog, the options and the versions of all tools involved; it
    holds the file that a run needs, and the log of the build. What the simulator compiles alike for every
    design is kept too, which saves most of the time that a small model takes.

    Raises
    ------
    BuildError : the simulator rejected the design; the message ends with the end of its log.
    ToolError : a tool is not installed.
    """
    directory = cache / model_hash(simulator, verilog, top, waves=waves)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        if not directory.exists():
            _build(simulator, verilog, top, waves, directory)
    return directory


def model_hash(simulator: Simulator, verilog: Path, top: str, *, waves: bool) -> str:
    """Return 24 hexadecimal digits that change with anything the built model depends on."""
    return content_hash(verilog.read_text(), top, str(waves), *simulator.identity())


def content_hash(*parts: str) -> str:
    """Return 24 hexadecimal digits for a list of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the kernel releases it even if this process is killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def log_tail(log: Path, lines: int = 30) -> str:
    """Return the last ``lines`` lines of a log, or a remark that there is none."""
    if not log.exists():
        return "(no log was written)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def reuse_objects(objects: Path, work: Path) -> None:
    """Copy what ``publish_objects`` has kept, if anything, into a build directory."""
    for compiled in objects.glob("*"):
        shutil.copy(compiled, work)


def publish_objects(compiled: list[Path], scratch: Path, objects: Path) -> None:
    """Move compiled files to ``objects``, unless it exists, by way of ``scratch`` beside it."""
    if objects.exists():
        return
    scratch.mkdir()
    for file in compiled:
        shutil.move(file, scratch / file.name)
    with locked(objects.with_suffix(".lock")):
        if not objects.exists():
            os.replace(scratch, objects)


def _build(simulator: Simulator, verilog: Path, top: str, waves: bool, directory: Path) -> None:
    cache = directory.parent
    with build_directory(cache) as work, tempfile.TemporaryDirectory(prefix="kept-", dir=cache) as name:
        kept = Path(name) / "model"
        kept.mkdir()
        objects = cache / f"runtime-{content_hash(str(waves), *simulator.identity())}"
        reuse_objects(objects, work)
        try:
            simulator.build(
                sources=simulator.sources(verilog, top, work),
                hdl_toplevel=top,
                build_dir=work,
                build_args=simulator.options,
                timescale=("1ns", "1ps"),
                waves=waves,
                log_file=kept / BUILD_LOG,
            )
        except RuntimeError as error:
            log = log_tail(kept / BUILD_LOG)
            raise BuildError(
                f"{type(simulator).__name__} could not build {top!r} of {verilog}:\n{log}"
            ) from error
        publish_objects(simulator.design_independent(work), Path(name) / "objects", objects)
        shutil.move(work / simulator.artifact(top), kept / simulator.artifact(top))
        os.replace(kept, directory)
