"""Which hybrid pattern each layer of a network gets, by its place in the network and by rules."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from crisp_sw.prune.settings.layer_rules import LayerRule, merged_overrides
from crisp_sw.prune.settings.value_checks import MAX_BLOCK
from crisp_sw.synthetic.errors import NetworkSettingsError

if TYPE_CHECKING:
    from torch import nn

    from crisp_sw.quantize.lowering.float_network import FloatNetwork

LONGEST_RATIO = len("1024:1024")


@dataclass(frozen=True, kw_only=True)
class LayerSparsity:
    """The hybrid pattern of a layer before its blocks are chosen.

    Parameters
    ----------
    n, m : at most ``n`` weights stay in every ``m`` consecutive input channels of one tap; 1 <= n <= m.
    block : edge length of the square blocks, up to 1024; a multiple of ``m``.
    kept_share : share of the blocks of every block-row that stays, above 0 and at most 1.

    Raises
    ------
    NetworkSettingsError : a value is out of range.
    """

    n: int = 1
    m: int = 4
    block: int = 16
    kept_share: float = 1.0

    def __post_init__(self):
        if not 1 <= self.n <= self.m:
            raise NetworkSettingsError(f"`n` must be from 1 to m = {self.m}, not {self.n}")
        if not 1 <= self.block <= MAX_BLOCK or self.block % self.m:
            raise NetworkSettingsError(
                f"`block` must be a positive multiple of m = {self.m} up to {MAX_BLOCK}, not {self.block}"
            )
        if not 0 < self.kept_share <= 1:
            raise NetworkSettingsError(f"`kept_share` must be above 0 and at most 1, not {self.kept_share}")

    @property
    def is_dense(self) -> bool:
        """True if nothing would be pruned."""
        return self.n == self.m and self.kept_share == 1

    def kept_blocks(self, channels: int, taps: int) -> int:
        """Blocks that a block-row keeps of a layer with these input channels: at least one.

        A layer with fewer channels than a block keeps all, as each of its taps is one block.
        """
        columns = taps * -(-channels // self.block)
        return columns if channels < self.block else max(1, int(self.kept_share * columns + 0.5))


DENSE = LayerSparsity(n=4, m=4)


def parse_nm(text: str) -> tuple[int, int]:
    """N and M from ``"N:M"``.

    Raises
    ------
    NetworkSettingsError : the text is something else.
    """
    n, colon, m = text.partition(":")
    if not (colon and n.isdecimal() and m.isdecimal() and len(text) <= LONGEST_RATIO):
        raise NetworkSettingsError(f"expected N:M such as 1:4, not {text!r}")
    return int(n), int(m)


@dataclass(frozen=True, kw_only=True)
class SparsityRules:
    """The sparsity of all layers of a network.

    The first convolution and the classifier, which is the last layer, are dense unless a rule speaks of them;
    all others have the ``default``, and what the rules that fit them set instead. Grouped and depthwise
    convolutions are dense in any case.

    Parameters
    ----------
    default : of layers that no rule speaks of.
    rules : in the language of :mod:`crisp_sw.prune.settings.layer_rules`; they set ``n``, ``m``, ``block``
        and ``kept_share``, or leave layers dense.

    Raises
    ------
    NetworkSettingsError : a rule sets something else.
    """

    default: LayerSparsity = DENSE
    rules: tuple[LayerRule, ...] = ()

    def __post_init__(self):
        read = [item.name for item in fields(LayerSparsity)]
        for rule in self.rules:
            for name in rule.overrides:
                if name not in read:
                    raise NetworkSettingsError(
                        f"the rule for {rule} sets {name}, which networks that are pruned in one step do not "
                        f"read; expected one of {', '.join(read)}, or dense"
                    )

    def assign(self, network: "FloatNetwork", model: "nn.Module") -> dict[str, LayerSparsity]:
        """The sparsity of every layer that is not dense, by name in the network's order.

        Parameters
        ----------
        model : that ``network`` was lowered from; its modules have the types that rules may name.

        Raises
        ------
        NetworkSettingsError : a rule matches no layer, or the rules of a layer do not fit together.
        """
        from crisp_sw.quantize.lowering.float_network import INPUT, FloatConv

        layers = [layer for layer in network.layers if isinstance(layer, FloatConv)]
        types = {name: type(module).__name__ for name, module in model.named_modules()}
        unused, chosen = list(self.rules), {}
        for layer in layers:
            first, last = layer.inputs[0] == INPUT, layer is network.layers[-1]
            roles = [role for role, has in (("first", first), ("classifier", last)) if has]
            rules = [
                rule for rule in self.rules if rule.matches(layer.name, types.get(layer.name, ""), roles)
            ]
            unused = [rule for rule in unused if rule not in rules]
            sparsity = self._choose(layer.name, rules, has_role=bool(roles))
            if not sparsity.is_dense and layer.groups == 1:
                chosen[layer.name] = sparsity
        if unused:
            names = ", ".join(layer.name for layer in layers)
            raise NetworkSettingsError(f"the rule for {unused[0]} matches no layer; expected one of {names}")
        return chosen

    def _choose(self, name: str, rules: Sequence[LayerRule], *, has_role: bool) -> LayerSparsity:
        if not rules:
            return DENSE if has_role else self.default
        if rules[-1].dense:
            return DENSE
        try:
            return replace(self.default, **merged_overrides(rules))
        except NetworkSettingsError as error:
            raise NetworkSettingsError(
                f"the rules for layer {name!r} do not fit together: {error}"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """The rules as JSON types."""
        return {"default": asdict(self.default), "rules": [rule.to_json() for rule in self.rules]}
