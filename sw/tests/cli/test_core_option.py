"""A core by preset or by file: one option for all commands, and the example goes all the way."""

import json
from pathlib import Path

import pytest

from crisp_cli.core_option import EDGE, chosen_core, read_core
from crisp_cli.program import COMMANDS
from crisp_files.folders import in_checkout
from crisp_golden.machine.program_image import read_image
from crisp_spec.config import PRESETS, CoreConfig, NamedConfig, named_preset, preset
from crisp_spec.errors import ConfigError
from sw.tests.cli.runner import crisp, figures_of

EXAMPLE = in_checkout("docs/examples/my_core.toml")
SIZES = "rows = 2\ncols = 2\nlanes = 2\nsmem_words = 2048\nweight_words = 4096\n"
OPTIONS = {name: {option.name for option in COMMANDS[name].load(name).params} for name in COMMANDS}
WITH_CORE = [name for name in COMMANDS if "preset" in OPTIONS[name]]


def core_file(folder: Path, text: str, name: str = "mine.toml") -> Path:
    """A file with that text."""
    path = folder / name
    path.write_text(text)
    return path


def test_every_command_that_takes_a_preset_takes_a_file():
    assert set(WITH_CORE) >= {
        "demo",
        "accuracy",
        "inspect",
        "compile",
        "network",
        "verilog",
        "synth",
        "cosim",
    }
    assert set(WITH_CORE) >= {"bench", "random-layers", "random-programs"}
    assert [name for name in COMMANDS if "config" in OPTIONS[name]] == WITH_CORE


def test_sizes_come_from_the_file_its_base_or_the_defaults(tmp_path):
    own = read_core(core_file(tmp_path, SIZES + "m = 2\nbus_bits = 32\n"))
    assert own == NamedConfig(
        "mine", CoreConfig(rows=2, cols=2, lanes=2, m=2, smem_words=2048, weight_words=4096, bus_bits=32)
    )
    based = read_core(core_file(tmp_path, 'preset = "edge"\nrows = 8\n'))
    assert based.config == CoreConfig(**{**vars(preset("edge")), "rows": 8})
    assert own.identity == vars(own.config)
    assert (EDGE.identity, str(own)) == ("edge", "mine")


def test_one_of_both_options_is_chosen(tmp_path):
    path = core_file(tmp_path, 'preset = "small"\n')
    assert chosen_core(None, None, EDGE) == EDGE
    assert chosen_core("tiny", None, EDGE) == named_preset("tiny")
    assert chosen_core(None, path, EDGE) == NamedConfig("mine", preset("small"))
    assert chosen_core("small", path, EDGE) == NamedConfig("mine", preset("small"))
    with pytest.raises(ConfigError, match=r"--preset tiny and --config .*mine\.toml are two cores; expect"):
        chosen_core("tiny", path, EDGE)


KNOWN = "preset, rows, cols, lanes, m, tile_depth, load_rows, smem_words"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rowz = 4\n", f"`rowz` = 4 is no size of a core; expected some of {KNOWN}"),
        ('preset = "huge"\n', "`preset` must be one of tiny, small, ulx3s, edge, large, not 'huge'"),
        ("preset = 3\n", "`preset` must be one of tiny, small, ulx3s, edge, large, not 3"),
        ("rows = 2\n", "`cols` is not there; expected a positive power of 2, or a preset that it is taken"),
        (SIZES + "m = 3\n", "`m` must be a positive power of 2, not 3"),
        (SIZES + "m = true\n", "`m` must be a positive power of 2, not True"),
        (SIZES + 'm = "4"\n', "`m` must be a positive power of 2, not '4'"),
        (SIZES + "m = 4.0\n", "`m` must be a positive power of 2, not 4.0"),
        (SIZES + "m = [4]\n", "`m` must be a positive power of 2, not [4]"),
        (SIZES + "m = 16\n", "`m` must be from 1 to 8, not 16"),
        (SIZES + "bus_bits = 512\n", "`bus_bits` must be from 32 to 64, not 512"),
        (SIZES + "[m]\n", "`m` must be a positive power of 2, not {}"),
        ("rows = \n", "not valid TOML ("),
        ("rows = " + "9" * 40, "not valid TOML (an integer of 133 bits; expected at most 64)"),
        ("a = " + "[" * 100_000, "not valid TOML (nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, message):
    path = core_file(tmp_path, text)
    result = crisp("verilog", "--config", path, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {path}: {message}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["my-core.toml", "my core.toml", "ä.toml", f"{'a' * 65}.toml", ".toml"])
def test_a_name_that_no_module_can_have_is_refused(tmp_path, name):
    result = crisp("verilog", "--config", core_file(tmp_path, SIZES, name), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "expected a name of letters, digits and underscores, 64 at most" in result.stderr


def test_a_core_is_not_called_like_a_preset_of_other_sizes(tmp_path):
    with pytest.raises(ConfigError, match=r"edge\.toml: a core of other sizes than the preset 'edge' must"):
        read_core(core_file(tmp_path, SIZES, "edge.toml"))
    assert read_core(core_file(tmp_path, 'preset = "edge"\n', "edge.toml")) == EDGE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.toml", "cannot be read (No such file or directory)"),
        ("core.yaml", "expected a name that ends in"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, message):
    result = crisp("compile", "network", "--config", tmp_path / name, "--out", tmp_path / "p.crisp")
    assert result.exit_code == 2
    assert f"{tmp_path / name}: {message}" in result.stderr


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_written_as_a_file(tmp_path, name):
    text = "".join(f"{size} = {value}\n" for size, value in vars(preset(name)).items())
    assert read_core(core_file(tmp_path, text)).config == preset(name)


def test_the_example_says_all_that_it_changes():
    core = read_core(EXAMPLE)
    assert core.name == "my_core"
    assert core.config not in PRESETS.values()


@pytest.mark.slow
def test_the_example_goes_all_the_way(network, tmp_path):
    core, config = ("--config", EXAMPLE), read_core(EXAMPLE).config
    result = crisp("verilog", *core, "--out", tmp_path / "verilog", "--lint")
    assert result.exit_code == 0, result.stderr
    assert "\nmodule crisp_stc_my_core" in (tmp_path / "verilog" / "crisp_stc_my_core.v").read_text()
    figures_of("compile", network, *core, "--out", tmp_path / "program.crisp")
    assert read_image(tmp_path / "program.crisp").config == config
    figures = figures_of("inspect", network, "--program", *core)
    assert (figures["preset"], figures["program"]["cycles"] > 0) == ("my_core", True)
    report = figures_of("network", network, *core, "--out", tmp_path / "run")
    totals, layers = report["totals"], len(report["layers"])
    assert (report["preset"], report["config"]) == ("my_core", vars(config))
    assert (totals["bit_exact"], totals["compared"]) == (True, {"iss": layers, "rtl": layers})
    assert totals["cycles_counted"] == totals["cycles_predicted"]


def test_the_example_reaches_synthesis(tmp_path, monkeypatch):
    jobs = []
    monkeypatch.setattr("crisp_hw.core.core.CrispCore", lambda config, **_: config)

    def build(job, progress):
        jobs.append(job)
        raise ConfigError("enough")

    monkeypatch.setattr("crisp_hw.build.fpga.synthesize", build)
    assert crisp("synth", "--config", EXAMPLE, "--out", tmp_path).exit_code == 2
    assert (jobs[0].name, jobs[0].component) == ("ulx3s-85f-my_core", read_core(EXAMPLE).config)


def test_json_names_the_core_of_the_file(network, tmp_path):
    out = tmp_path / "p.crisp"
    result = crisp("compile", network, "--config", EXAMPLE, "--out", out, "--json")
    assert json.loads(result.stdout)["preset"] == "my_core", result.stderr
