"""Settings of a file, and options that win over them."""

import json
from pathlib import Path

import pytest

from crisp_spec.errors import CrispError
from crisp_sw.flows.steps.prune_settings import prune_settings
from crisp_sw.prune import LayerRule, PruneError, settings_of
from crisp_sw.settings_file import SettingsFileError

TOML = """
sparsity = 0.95
gradient = "sr-ste"
exclude = ["fc"]
rules = [{ name = "layer1.*", n = 2 }]
"""


def test_without_a_file_the_defaults_hold():
    assert prune_settings(None, {"n": None, "sparsity": None}) == settings_of()
    assert prune_settings(None, {"n": 2}) == settings_of(n=2)


def test_options_win_over_the_file(tmp_path):
    (tmp_path / "a.toml").write_text(TOML)
    settings = prune_settings(tmp_path / "a.toml", {"sparsity": 0.9, "seed": 3, "method": None})
    rules = (LayerRule(name="layer1.*", n=2),)
    assert settings == settings_of(sparsity=0.9, gradient="sr-ste", exclude=("fc",), rules=rules, seed=3)


def test_figures_of_an_earlier_run_give_its_settings(tmp_path):
    earlier = settings_of(n=2, schedule="cubic", rules=(LayerRule(type="Linear", dense=True),))
    (tmp_path / "prune.json").write_text(json.dumps({"classes": ["cat"], "settings": earlier.to_json()}))
    assert prune_settings(tmp_path / "prune.json", {}) == earlier


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (
            "a.toml",
            "sparsty = 0.9",
            SettingsFileError,
            r"a\.toml: no setting 'sparsty'; did you mean 'sparsity'",
        ),
        ("a.toml", "zzz = 1", SettingsFileError, r"no setting 'zzz'; expected one of method, sparsity"),
        ("a.toml", "sparsity = 2.0", PruneError, r"a\.toml: `sparsity` must be"),
        ("a.toml", "sparsity = ", SettingsFileError, r"a\.toml: not valid TOML"),
        ("a.json", "[1]", SettingsFileError, r"a\.json: expected settings by name, not list"),
        ("a.json", "{", SettingsFileError, r"a\.json: not valid JSON"),
        ("a.yaml", "", SettingsFileError, r"a\.yaml: expected a name that ends in \.toml or \.json"),
        ("a.toml", None, SettingsFileError, r"a\.toml: cannot be read \(No such file or directory\)"),
    ],
)
def test_bad_files(name: str, content: str | None, error: type[CrispError], message: str, tmp_path: Path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        prune_settings(tmp_path / name, {})


def test_an_option_is_blamed_for_itself_and_not_the_file(tmp_path):
    path = tmp_path / "q.toml"
    path.write_text("n = 2\n")
    with pytest.raises(CrispError) as caught:
        prune_settings(path, {"seed": -1})
    assert str(caught.value).startswith("`seed` must be")
