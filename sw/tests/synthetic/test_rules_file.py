"""Overrides from files: both formats, inheritance from the default, and every mistake by name."""

import json
from pathlib import Path

import pytest

from crisp_sw.synthetic import LayerSparsity, read_overrides
from crisp_sw.synthetic.errors import NetworkSettingsError

DEFAULT = LayerSparsity(n=1, m=4, block=16, blocks=0.5)

TOML = """
[layers."layer1.*"]
nm = "2:4"
blocks = 0.75

[layers."layer2.*"]
block_size = 32

[layers.fc]
dense = true
"""

EXPECTED = (
    ("layer1.*", LayerSparsity(n=2, m=4, block=16, blocks=0.75)),
    ("layer2.*", LayerSparsity(n=1, m=4, block=32, blocks=0.5)),
    ("fc", None),
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_toml(tmp_path: Path):
    assert read_overrides(write(tmp_path / "layers.toml", TOML), DEFAULT) == EXPECTED


def test_json(tmp_path: Path):
    content = {
        "layers": {
            "layer1.*": {"nm": "2:4", "blocks": 0.75},
            "layer2.*": {"block_size": 32, "dense": False},
            "fc": {"dense": True},
        }
    }
    assert read_overrides(write(tmp_path / "layers.json", json.dumps(content)), DEFAULT) == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[layers", "not valid TOML"),
        ("[other]", "expected one table 'layers'"),
        ("layers = 3", "expected one table 'layers'"),
        ("[layers]\nfc = 3", "layers.'fc' must be a table of nm, blocks, block_size, dense, not 3"),
        ("[layers.fc]\nn = 2", "layers.'fc' must be a table of"),
        ("[layers.fc]\nnm = 2", "`nm` has the wrong type, 2"),
        ("[layers.fc]\nblocks = true", "`blocks` has the wrong type, True"),
        ("[layers.fc]\ndense = 1", "`dense` has the wrong type, 1"),
        ('[layers.fc]\nnm = "5:4"', "layers.'fc': `n` must be from 1 to m = 4, not 5"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str):
    with pytest.raises(NetworkSettingsError) as caught:
        read_overrides(write(tmp_path / "layers.toml", text), DEFAULT)
    assert str(caught.value).startswith(str(tmp_path / "layers.toml"))
    assert message in str(caught.value)


def test_unreadable_files(tmp_path: Path):
    with pytest.raises(NetworkSettingsError, match="cannot be read"):
        read_overrides(tmp_path / "none.toml", DEFAULT)
    with pytest.raises(NetworkSettingsError, match=r"expected a name that ends in \.toml or \.json"):
        read_overrides(tmp_path / "layers.yaml", DEFAULT)
    with pytest.raises(NetworkSettingsError, match="not valid JSON"):
        read_overrides(write(tmp_path / "layers.json", "{"), DEFAULT)
