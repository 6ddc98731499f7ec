"""``crisp synth``: one clear line for every value that cannot be used."""

import pytest

from crisp_hw.build.fpga import ToolError, dense_equivalent
from crisp_spec.config import preset
from crisp_spec.errors import ConfigError
from sw.tests.cli.runner import crisp


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "huge"], "no preset 'huge'; expected one of tiny, small"),
        (["--board", "arty"], "no board 'arty'; expected one of ulx3s-85f"),
        (["--seeds", "0"], "'--seeds': Input should be greater than or equal to 1"),
        (["--preset", "ulx3s", "--compare-dense"], "it needs `--top core`, not accelerator"),
        (["--preset", "edge", "--compare-dense"], "`rows` must be from 2 to 4, not 16"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_written(arguments: list[str], message: str, tmp_path):
    result = crisp("synth", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_options_reach_the_job_and_a_tool_that_fails_is_no_wrong_input(tmp_path, monkeypatch):
    jobs, made = [], []

    def make(config, *, technology):
        made.append((config, technology.name))

    def fail(job, progress):
        progress("elaborating")
        jobs.append(job)
        raise ToolError("nextpnr failed")

    monkeypatch.setattr("crisp_hw.build.fpga.synthesize", fail)
    monkeypatch.setattr("crisp_hw.accelerator.CrispStc", make)
    arguments = ("--preset", "ulx3s", "--board", "ulx3s-45f", "--seeds", 3, "--jobs", 2)
    result = crisp("synth", *arguments, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "elaborating\nerror: nextpnr failed\n"
    (job,) = jobs
    assert (job.name, job.folder) == ("ulx3s-45f-ulx3s-accelerator", tmp_path / "out" / job.name)
    assert (list(job.seeds), job.parallel, job.board.name) == ([1, 2, 3], 2, "ulx3s-45f")
    assert made == [(preset("ulx3s"), "ECP5")]


def test_dense_equivalent_keeps_multipliers_and_memory():
    sparse = preset("small")
    dense = dense_equivalent(sparse)
    assert (dense.m, dense.macs, dense.smem_bytes) == (1, sparse.macs, sparse.smem_bytes)
    with pytest.raises(ConfigError, match="`rows` must be from 2 to 4, not 16"):
        dense_equivalent(preset("edge"))
