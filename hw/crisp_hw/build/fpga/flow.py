"""Synthesis, placement and routing of a component for one ECP5 board."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from amaranth.lib.wiring import Component

from crisp_files.output_lock import locked_output
from crisp_hw.build.fpga.boards import Board, constraints_text
from crisp_hw.build.fpga.floorplan import place_array
from crisp_hw.build.fpga.report import Resource, SynthesisReport, read_report, read_resources
from crisp_hw.build.fpga.tools import ToolError, find_nextpnr_ecp5, find_yosys, run_tool
from crisp_hw.build.fpga.wrapper import SynthesisWrapper
from crisp_hw.build.verilog import write_rtlil
from crisp_hw.cells import lut_ram

TOP = "synthesis_wrapper"
LUT_RAM_CONSTANTS = Path(__file__).with_name("lut_ram_constants.v")

PLACING = "Running Static placer"

# Words that begin a phase in the tools' output, and what to tell the user then.
PHASES = {
    "Executing SYNTH_": "synthesizing",
    "Executing ABC9 pass": "mapping to LUTs",
    "Packing constants": "packing",
    PLACING: "placing",
    "Setting up routing queue": "routing",
    "Critical path report": "timing",
}

Progress = Callable[[str], None]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to build, and where the result goes.

    Attributes
    ----------
    name : of the design; the results go to ``folder``.
    seeds : of nextpnr's placer; every one is tried and the fastest result reported.
    parallel : seeds that are tried at a time; each takes about 1 GB of memory.
    """

    name: str
    component: Component
    board: Board
    folder: Path
    seeds: Sequence[int] = (1,)
    parallel: int = 1


def synthesize(job: Job, progress: Progress = print) -> SynthesisReport:
    """Build ``job`` and write ``report.json``, the logs and the placed design into its folder.

    The work is done beside the folder, under a temporary name, and renamed when all of it is there.

    Raises
    ------
    ToolError : a tool failed, or the design does not fit the board's FPGA.
    MissingToolError : a tool, or the board's constraints, are not there.
    """
    return _in_place(job, lambda work: _build(job, work, progress))


def pack(job: Job, progress: Progress = print) -> dict[str, Resource]:
    """Count what ``job`` takes without placing it; write ``resources.json`` and the logs into its folder.

    Raises
    ------
    ToolError : as for `synthesize`.
    """
    return _in_place(job, lambda work: _pack(job, work, progress))


def _in_place(job: Job, build: Callable[[Path], Result]) -> Result:
    """Build in a folder beside the job's, and put it there if all went well; else only the logs.

    Raises
    ------
    OutputInUseError : another run builds the same job in the same place.
    """
    _require_tools(job.board)
    with locked_output(job.folder):
        return _in_own_place(job, build)


def _in_own_place(job: Job, build: Callable[[Path], Result]) -> Result:
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=job.folder.parent, prefix=f".{job.folder.name}."))
    work.chmod(0o755)
    try:
        result = build(work)
        _replace_folder(work, job.folder)
        return result
    except ToolError:
        _keep_logs(work, job.folder)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _require_tools(board: Board) -> None:
    """Look for all that is needed before the first step, which takes minutes."""
    find_yosys()
    find_nextpnr_ecp5()
    constraints_text(board)


def _map(job: Job, work: Path, progress: Progress) -> SynthesisWrapper:
    """From the component to a netlist of the chip's cells."""
    wrapper = SynthesisWrapper(job.component, reset_active_low=job.board.reset_active_low)
    progress(f"{job.name}: elaborating")
    write_rtlil(wrapper, TOP, work / "design.il")
    _run_yosys(work, _phase_reporter(job.name, progress))
    placed = place_array(work / "netlist.json", job.board.device)
    progress(f"{job.name}: floorplan gives {placed} multipliers and block RAMs of the array their sites")
    (work / "board.lpf").write_text(constraints_text(job.board), encoding="utf-8")
    return wrapper


def _pack(job: Job, work: Path, progress: Progress) -> dict[str, Resource]:
    _map(job, work, progress)
    _run_nextpnr(job.board, work, "packed", ("--pack-only",), _phase_reporter(job.name, progress))
    resources = read_resources(work, "packed")
    document = {name: asdict(resource) for name, resource in resources.items()}
    (work / "resources.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return resources


def _build(job: Job, work: Path, progress: Progress) -> SynthesisReport:
    wrapper = _map(job, work, progress)
    seeds = _try_seeds(job, work, progress)
    overhead = wrapper.input_bits + wrapper.output_bits, wrapper.output_bits
    candidates = [read_report(work, job.board, seed, *overhead) for seed in seeds]
    best = max(candidates, key=lambda report: report.fmax_mhz)
    fmax_by_seed = {str(report.seed): report.fmax_mhz for report in candidates}
    document = {
        "design": job.name,
        "tools": [find_yosys().version, find_nextpnr_ecp5().version],
        **best.as_json(),
        "fmax_mhz_by_seed": fmax_by_seed,
    }
    (work / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return best


def _try_seeds(job: Job, work: Path, progress: Progress) -> list[int]:
    """Place and route with every seed; return those that ended.

    A seed that fails is left out, and an interrupt ends the ones at work; the results that are there count.
    """
    ended: list[int] = []
    failure: BaseException | None = None
    with ThreadPoolExecutor(job.parallel) as pool:
        attempts = {pool.submit(_place_and_route, job, work, seed, progress): seed for seed in job.seeds}
        try:
            for attempt in as_completed(attempts):
                try:
                    attempt.result()
                    ended.append(attempts[attempt])
                except ToolError as error:
                    failure = error
                    progress(f"{job.name}, seed {attempts[attempt]}: {error}")
        except KeyboardInterrupt as interrupt:
            failure = interrupt
            pool.shutdown(cancel_futures=True)
    if failure and not ended:
        raise failure
    if len(ended) < len(job.seeds):
        progress(f"{job.name}: {len(ended)} of {len(job.seeds)} seeds ended, these are reported")
    return sorted(ended)


def _run_yosys(work: Path, on_line: Progress) -> None:
    shutil.copy(LUT_RAM_CONSTANTS, work)
    script = [
        "read_rtlil design.il",
        # One with a register behind it could become block RAM, whose clock to output is slow.
        f'setattr -set ram_style "distributed" a:{lut_ram.ATTRIBUTE}',
        f"synth_ecp5 -top {TOP}",
        f"techmap -map {LUT_RAM_CONSTANTS.name} t:TRELLIS_DPR16X4",
        "opt_expr",
        "clean",
        "write_json netlist.json",
        "tee -q -o cells.json stat -json",
    ]
    (work / "synth.ys").write_text("\n".join(script) + "\n", encoding="utf-8")
    run_tool(find_yosys(), ["synth.ys"], folder=work, log="yosys.log", on_line=on_line)


def _place_and_route(job: Job, work: Path, seed: int, progress: Progress) -> None:
    name, board = f"seed{seed}", job.board
    arguments = [
        *("--textcfg", f"{name}.config", "--seed", str(seed)),
        *("--freq", f"{board.target_mhz:g}", "--timing-allow-fail"),
        # Its wires are a sixth shorter than those of the default placer, which the router cannot always mend.
        *("--placer", "static"),
    ]
    label = job.name if len(job.seeds) == 1 else f"{job.name}, seed {seed}"
    _run_nextpnr(board, work, name, arguments, _phase_reporter(label, progress))


def _run_nextpnr(board: Board, work: Path, name: str, options: Sequence[str], on_line: Progress) -> None:
    """Write ``<name>.json``, nextpnr's own report, and ``nextpnr-<name>.log``."""
    arguments = [
        f"--{board.device}",
        *("--package", board.package, "--speed", str(board.speed)),
        *("--json", "netlist.json", "--lpf", "board.lpf", "--report", f"{name}.json"),
        *options,
    ]
    run_tool(
        find_nextpnr_ecp5(),
        arguments,
        folder=work,
        log=f"nextpnr-{name}.log",
        on_line=_refuse_excess(board, on_line),
    )


def _refuse_excess(board: Board, on_line: Progress) -> Progress:
    """Pass lines on until nextpnr begins to place a design that cannot fit: it would search for minutes."""
    missing = []

    def checked(line: str) -> None:
        on_line(line)
        if utilisation := re.match(r"Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", line):
            site, used, there = utilisation.groups()
            if int(used) > int(there):
                missing.append(f"{used} {site}, it has {there}")
        if missing and PLACING in line:
            raise ToolError(f"the design does not fit the {board.part} of {board.name}: {', '.join(missing)}")

    return checked


def _phase_reporter(name: str, progress: Progress) -> Progress:
    current = ""

    def on_line(line: str) -> None:
        nonlocal current
        phase = next((phase for words, phase in PHASES.items() if words in line), current)
        if phase != current:
            current = phase
            progress(f"{name}: {phase}")

    return on_line


def _keep_logs(work: Path, folder: Path) -> None:
    """After a failure only the logs survive; results of an earlier run stay as they are."""
    folder.mkdir(exist_ok=True)
    for log in work.glob("*.log"):
        os.replace(log, folder / log.name)


def _replace_folder(new: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(new, folder)
