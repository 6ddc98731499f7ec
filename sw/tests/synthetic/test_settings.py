"""Settings: JSON, and mistakes by name."""

import json
from pathlib import Path

import pytest

from crisp_sw.prune import LayerRule
from crisp_sw.synthetic import LayerSparsity, NetworkSettings, SparsityRules
from crisp_sw.synthetic.errors import NetworkSettingsError


def test_json_has_every_setting():
    rules = SparsityRules(default=LayerSparsity(n=2), rules=(LayerRule(name="fc", dense=True),))
    settings = NetworkSettings(model="resnet18", rules=rules, weights=Path("weights.safetensors"))
    content = json.loads(json.dumps(settings.to_json()))
    assert content["rules"]["default"] == {"n": 2, "m": 4, "block": 16, "kept_share": 1.0}
    assert content["rules"]["rules"] == [{"name": "fc", "dense": True}]
    assert content["weights"] == "weights.safetensors"
    assert settings.image_shape == (3, 224, 224)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_size": 0}, "`image_size` must be at least 1, not 0"),
        ({"images": 0}, "`images` must be at least 1, not 0"),
        ({"seed": -1}, f"`seed` must be an integer from 0 to {2**64 - 1}, not -1"),
        ({"keep_statistics": True}, "`keep_statistics` needs `weights`"),
    ],
)
def test_bad_values_are_named(values: dict, message: str):
    with pytest.raises(NetworkSettingsError, match=message):
        NetworkSettings(**values)
