"""Builds the accelerator's model and its harness as a shared library, once per content of all of it."""

import hashlib
import os
import re
import subprocess
import tempfile
from pathlib import Path

from cocotb_tests.build_cache import locked, log_tail
from cocotb_tests.devices import device_verilog
from cocotb_tests.errors import BuildError
from cocotb_tests.runner import BUILD
from cocotb_tests.simulators import OUTER_MAKE, Verilator, verilator_root
from crisp_golden.config import CoreConfig

LIBRARY = "libmodel.so"
DEVICE = "crisp_stc"
TOP = "harness_top"

_HERE = Path(__file__).parent
_HARNESS = ("harness.cpp", "memory.h")
_OPTIONS = (
    *("--cc", "--exe", "--prefix", "Vmodel", "--top-module", TOP),
    *Verilator.options,
    "-O3",
    *("-CFLAGS", f"-fPIC -fvisibility=hidden -I{_HERE}", "-LDFLAGS", "-shared", "-o", LIBRARY),
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
    directory = build / "accelerators" / _content_hash(verilog, waves)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        if not directory.exists():
            _build(verilog, waves, directory)
    return directory / LIBRARY


def registered_reset(verilog: str) -> str:
    """Return the module ``TOP`` around the accelerator, in which the reset passes through a register.

    All logic depends on the reset. Were it an input, the model would have to evaluate everything again
    whenever inputs may have changed.

    Raises
    ------
    BuildError : the text does not define the accelerator.
    """
    body = re.search(rf"^module {DEVICE}\(.*?^endmodule", verilog, re.DOTALL | re.MULTILINE)
    if body is None:
        raise BuildError(f"the Verilog defines no module {DEVICE!r}")
    ports = re.findall(r"^  (input|output) (\[\d+:0\] )?(\S+) ?;", body[0], re.MULTILINE)
    declared = ", ".join(f"{direction} {width}{name}" for direction, width, name in ports)
    connected = ", ".join(f".{name}({'reset' if name == 'rst' else name})" for _, _, name in ports)
    return (
        f"module {TOP}({declared});\n"
        "  reg reset = 1;\n"
        "  always @(posedge clk) reset <= rst;\n"
        f"  {DEVICE} dut({connected});\n"
        "endmodule\n"
    )


def _content_hash(verilog: Path, waves: bool) -> str:
    parts = [file.read_text() for file in (Path(__file__), verilog, *(_HERE / name for name in _HARNESS))]
    parts += [str(waves), *_OPTIONS, *Verilator().identity()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _build(verilog: Path, waves: bool, directory: Path) -> None:
    root = verilator_root()
    environment = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}
    environment["VERILATOR_ROOT"] = str(root)
    trace = Verilator.TRACE_VARIABLES if waves else ()
    with tempfile.TemporaryDirectory(prefix="build-", dir=directory.parent) as name:
        work, log = Path(name), directory.with_suffix(".log")
        top = work / f"{TOP}.v"
        top.write_text(registered_reset(verilog.read_text()))
        verilate = [str(root / "bin" / "verilator"), *_OPTIONS, *(["--trace-fst"] if waves else [])]
        make = ["make", "-C", str(work), "-f", "Vmodel.mk", f"-j{os.cpu_count()}"]
        with log.open("w") as output:
            for command in (
                [*verilate, "--Mdir", str(work), str(top), str(verilog), str(_HERE / "harness.cpp")],
                [*make, *Verilator.MAKE_VARIABLES, *trace],
            ):
                finished = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
                if finished.returncode:
                    raise BuildError(f"could not build the accelerator of {verilog}:\n{log_tail(log)}")
        kept = work / "kept"
        kept.mkdir()
        os.replace(work / LIBRARY, kept / LIBRARY)
        os.replace(kept, directory)
