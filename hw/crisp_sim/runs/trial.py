"""Whether a simulator works here at all: a wire, compiled and read by a bench, before anything takes long."""

from pathlib import Path

from crisp_sim.errors import BenchError, ToolError
from crisp_sim.runs.runner import BUILD, Bench, run_bench
from crisp_sim.simulators.build_cache import locked

WIRE = """module trial_wire (
  input a,
  output y
);
  assign y = a;
endmodule
"""


def try_simulator(sim: str, build: Path = BUILD) -> None:
    """Compile a model and run a bench on it: a second, or ten where none has been built yet.

    Raises
    ------
    ToolError : something is missing, or does not work.
    BuildError : the compiler does not; the message ends with the end of its log.
    """
    verilog = build / "devices" / "trial_wire.v"
    verilog.parent.mkdir(parents=True, exist_ok=True)
    with locked(verilog.with_suffix(".lock")):
        verilog.write_text(WIRE)
    bench = Bench(verilog=verilog, top="trial_wire", module="crisp_sim.runs.bench_trial", tests=1)
    try:
        run_bench(bench, sim=sim, build=build)
    except BenchError as error:
        raise ToolError(f"simulator {sim!r} does not run a model that it has compiled: {error}") from error
