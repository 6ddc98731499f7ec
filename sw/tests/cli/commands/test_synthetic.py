"""The command: options become rules, the network lands in the cache."""

from pathlib import Path

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_sw.exchange.packed import load_network
from crisp_sw.prune import LayerRule
from crisp_sw.synthetic.rules_file import sparsity_rules
from crisp_sw.synthetic.sparsity_rules import LayerSparsity
from sw.tests.cli.runner import crisp

OPTIONS = ["resnet18-32px", "--image-size", "32", "--width", "0.25", "--classes", "7", "--nm", "1:4"]


def test_options_become_rules(tmp_path: Path):
    (tmp_path / "layers.toml").write_text('rules = [{ name = "*.conv2", kept_share = 0.25 }]')
    rules = sparsity_rules("2:4", 0.5, 32, "3:4", tmp_path / "layers.toml")
    assert rules.default == LayerSparsity(n=2, m=4, block=32, kept_share=0.5)
    assert rules.rules == (
        LayerRule(role="first", n=3, m=4, block=32, kept_share=1.0),
        LayerRule(name="*.conv2", kept_share=0.25),
    )
    assert sparsity_rules("4:4", 1.0, 16, None, None).rules == ()


def test_command_writes_a_network_and_prints_where(tmp_path: Path):
    result = crisp("synthetic", *OPTIONS, "--blocks", 0.5, "--cache", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "22 layers, 19 of them sparse" in result.stderr
    built = load_network(result.stdout.strip())
    layers = [node.layer for node in built.nodes if isinstance(node.layer, QuantizedConv)]
    assert layers[-1].out_channels == 7
    assert layers[1].pattern is not None
    assert layers[1].pattern.n == 1
