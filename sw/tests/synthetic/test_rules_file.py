"""Rules from files: both formats, and every mistake by name."""

import json
from pathlib import Path

import pytest

from crisp_sw.prune import LayerRule
from crisp_sw.synthetic import LayerSparsity, read_rules
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.rules_file import sparsity_rules

TOML = """
[[rules]]
name = "layer1.*"
n = 2
kept_share = 0.75

[[rules]]
type = "Linear"
block = 32

[[rules]]
role = "classifier"
dense = true
"""

EXPECTED = (
    LayerRule(name="layer1.*", n=2, kept_share=0.75),
    LayerRule(type="Linear", block=32),
    LayerRule(role="classifier", dense=True),
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_toml(tmp_path: Path):
    assert read_rules(write(tmp_path / "layers.toml", TOML)) == EXPECTED


def test_json(tmp_path: Path):
    content = {"rules": [rule.to_json() for rule in EXPECTED]}
    assert read_rules(write(tmp_path / "layers.json", json.dumps(content))) == EXPECTED


def test_options_come_before_the_file(tmp_path: Path):
    path = write(tmp_path / "layers.toml", TOML)
    rules = sparsity_rules("1:4", 0.5, 16, "2:4", path)
    assert rules.default == LayerSparsity(n=1, m=4, block=16, kept_share=0.5)
    assert rules.rules == (LayerRule(role="first", n=2, m=4, block=16, kept_share=1.0), *EXPECTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules", "not valid TOML"),
        ("[other]", "expected one list 'rules'"),
        ("rules = 3", "`rules` must be a list of tables"),
        ("rules = [3]", "a rule must be a table such as"),
        ("[[rules]]\nn = 2", "a LayerRule needs a `name` pattern, a `type` or a `role`"),
        ('[[rules]]\nname = "fc"\nnm = "2:4"', "no setting of a rule 'nm'; did you mean"),
        ('[[rules]]\nname = "fc"\nkept_share = true', "`kept_share` must be above 0 and at most 1, not True"),
        ('[[rules]]\nname = "fc"\nkept_share = 0', "`kept_share` must be above 0 and at most 1, not 0"),
        ('[[rules]]\nname = "fc"\ndense = 1', "`dense` must be true or false, not 1"),
        ('[[rules]]\nrole = "last"\nn = 1', "`role` must be one of first, classifier, not 'last'"),
        ('[[rules]]\nname = "fc"\nmin_kept_blocks = 2', "the rule for name 'fc' sets min_kept_blocks, which"),
        (
            '[layers.fc]\nnm = "2:4"',
            "a table 'layers' is what version 1 of such files had; this",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str):
    with pytest.raises(NetworkSettingsError) as caught:
        read_rules(write(tmp_path / "layers.toml", text))
    assert str(caught.value).startswith(str(tmp_path / "layers.toml"))
    assert message in str(caught.value)


def test_unreadable_files(tmp_path: Path):
    with pytest.raises(NetworkSettingsError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")
    with pytest.raises(NetworkSettingsError, match=r"expected a name that ends in \.toml or \.json"):
        read_rules(tmp_path / "layers.yaml")
    with pytest.raises(NetworkSettingsError, match="not valid JSON"):
        read_rules(write(tmp_path / "layers.json", "{"))


def test_share_of_the_blocks_is_named_as_the_option_is():
    with pytest.raises(NetworkSettingsError, match="`blocks` must be above 0 and at most 1, not 0"):
        sparsity_rules("1:4", 0.0, 16, None, None)
