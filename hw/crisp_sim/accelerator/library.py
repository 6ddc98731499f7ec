"""Builds the accelerator's model and its harness as a shared library, once per content of all of it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from crisp_hw.accelerator import SHORTEST_RESET
from crisp_sim.devices import device_verilog
from crisp_sim.errors import BuildError
from crisp_sim.runs.runner import BUILD
from crisp_sim.simulators.build_cache import content_hash, locked, log_tail, publish_objects, reuse_objects
from crisp_sim.simulators.plain_paths import build_directory
from crisp_sim.simulators.simulators import (
    OUTER_MAKE,
    Verilator,
    keep_runtime,
    plain_words,
    runtime_objects,
    verilator_program,
)
from crisp_sim.simulators.verilog_top import registered_reset
from crisp_spec.config import CoreConfig

LIBRARY = "libmodel.so"
DEVICE = "crisp_stc"

_HERE = Path(__file__).resolve().parent
_HARNESS = ("harness.cpp", "memory.h")
_COMPILER_OPTIONS = f"-fPIC -fvisibility=hidden -I{_HERE} -DSHORTEST_RESET={SHORTEST_RESET}"
_OPTIONS = (
    *("--cc", "--exe", "--prefix", "Vmodel", "--top-module", DEVICE),
    *Verilator.options,
    "-O3",
    *("-CFLAGS", _COMPILER_OPTIONS, "-LDFLAGS", "-shared", "-o", LIBRARY),
)


def model_library(config: CoreConfig, *, waves: bool = False, build: Path = BUILD) -> Path:
    """Return the shared library of an accelerator, building it if ``build`` does not hold it.

    Parameters
    ----------
    waves : whether it can record all signals, which makes it slower even if it does not.

    Raises
    ------
    BuildError : a tool failed; the message ends with the end of its log.
    ToolError : a tool is not installed.
    """
    verilog = device_verilog(DEVICE, config, build)
    tools = (Path(__file__).read_text(), str(waves), *_OPTIONS, *Verilator().identity())
    sources = [file.read_text() for file in (verilog, *(_HERE / name for name in _HARNESS))]
    cache = build / "accelerators"
    directory = cache / content_hash(*tools, *sources)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        if not directory.exists():
            _build(verilog, waves, directory, cache / f"runtime-{content_hash(*tools)}")
    return directory / LIBRARY


def _build(verilog: Path, waves: bool, directory: Path, runtime: Path) -> None:
    program, root = verilator_program()
    environment = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}
    environment["VERILATOR_ROOT"] = root
    trace = Verilator.TRACE_VARIABLES if waves else ()
    cache, log = directory.parent, directory.with_suffix(".log")
    with build_directory(cache) as work, tempfile.TemporaryDirectory(prefix="kept-", dir=cache) as name:
        reuse_objects(runtime, work)
        top = work / f"{DEVICE}.v"
        top.write_text(registered_reset(verilog.read_text(), DEVICE))
        verilate = [program, *_OPTIONS, *(["--trace-fst"] if waves else [])]
        make = ["make", "-C", str(work), "-f", "Vmodel.mk", f"-j{os.cpu_count()}"]
        with log.open("w") as output:
            for command in (
                [*verilate, "--Mdir", str(work), str(top), str(_HERE / "harness.cpp")],
                [*make, *Verilator.MAKE_VARIABLES, *trace, *keep_runtime(work)],
            ):
                words = plain_words(command)
                finished = subprocess.run(words, env=environment, stdout=output, stderr=output, check=False)
                if finished.returncode:
                    raise BuildError(f"could not build the accelerator of {verilog}:\n{log_tail(log)}")
        publish_objects(runtime_objects(work), Path(name) / "runtime", runtime)
        kept = Path(name) / "model"
        kept.mkdir()
        shutil.move(work / LIBRARY, kept / LIBRARY)
        os.replace(kept, directory)
