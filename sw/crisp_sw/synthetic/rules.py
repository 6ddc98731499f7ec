"""Which hybrid pattern each layer of a network gets, by its place in the network and by its name."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from crisp_sw.prune.settings.value_checks import MAX_BLOCK
from crisp_sw.synthetic.errors import NetworkSettingsError

if TYPE_CHECKING:
    from crisp_sw.quantize.lowering.float_network import FloatNetwork

LONGEST_RATIO = len("1024:1024")


@dataclass(frozen=True, kw_only=True)
class LayerSparsity:
    """The hybrid pattern of a layer before its blocks are chosen.

    Parameters
    ----------
    n, m : at most ``n`` weights stay in every ``m`` consecutive input channels of one tap; 1 <= n <= m.
    block : edge length of the square blocks, up to 1024; a multiple of ``m``.
    blocks : share of the blocks of every block-row that stays, above 0 and at most 1.

    Raises
    ------
    NetworkSettingsError : a value is out of range.
    """

    n: int = 1
    m: int = 4
    block: int = 16
    blocks: float = 1.0

    def __post_init__(self):
        if not 1 <= self.n <= self.m:
            raise NetworkSettingsError(f"`n` must be from 1 to m = {self.m}, not {self.n}")
        if not 1 <= self.block <= MAX_BLOCK or self.block % self.m:
            raise NetworkSettingsError(
                f"`block` must be a positive multiple of m = {self.m} up to {MAX_BLOCK}, not {self.block}"
            )
        if not 0 < self.blocks <= 1:
            raise NetworkSettingsError(f"`blocks` must be above 0 and at most 1, not {self.blocks}")

    @property
    def is_dense(self) -> bool:
        """True if nothing would be pruned."""
        return self.n == self.m and self.blocks == 1

    def kept_blocks(self, channels: int, taps: int) -> int:
        """Blocks that a block-row keeps of a layer with these input channels: at least one.

        A layer with fewer channels than a block keeps all, as each of its taps is one block.
        """
        columns = taps * -(-channels // self.block)
        return columns if channels < self.block else max(1, int(self.blocks * columns + 0.5))


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
    """The sparsity of all layers of a network; None stands for dense.

    A layer gets what the last override whose shell-style pattern matches its name says. Without one, the
    first convolution and the classifier, which is the last layer, get values of their own, and all others
    ``default``. Grouped and depthwise convolutions are dense in any case.
    """

    default: LayerSparsity | None = None
    first: LayerSparsity | None = None
    classifier: LayerSparsity | None = None
    overrides: tuple[tuple[str, LayerSparsity | None], ...] = ()

    def assign(self, network: "FloatNetwork") -> dict[str, LayerSparsity]:
        """The sparsity of every layer that is not dense, by name in the network's order.

        Raises
        ------
        NetworkSettingsError : an override matches no layer.
        """
        from crisp_sw.quantize.lowering.float_network import INPUT, FloatConv

        layers = [layer for layer in network.layers if isinstance(layer, FloatConv)]
        self._check_overrides([layer.name for layer in layers])
        chosen = {}
        for layer in layers:
            is_first, is_last = layer.inputs[0] == INPUT, layer is network.layers[-1]
            sparsity = self._choose(layer.name, is_first=is_first, is_last=is_last)
            if sparsity and not sparsity.is_dense and layer.groups == 1:
                chosen[layer.name] = sparsity
        return chosen

    def _choose(self, name: str, *, is_first: bool, is_last: bool) -> LayerSparsity | None:
        for pattern, sparsity in reversed(self.overrides):
            if fnmatchcase(name, pattern):
                return sparsity
        if is_first:
            return self.first
        return self.classifier if is_last else self.default

    def _check_overrides(self, names: Iterable[str]) -> None:
        names = list(names)
        for pattern, _ in self.overrides:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise NetworkSettingsError(
                    f"override {pattern!r} matches no layer; expected one of {', '.join(names)}"
                )
