"""Layers alone on a core, and their totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from crisp_files.json_values import figure, known
from crisp_golden.cycles.layer_report import LayerFigures
from crisp_spec.errors import CrispError
from crisp_sw.results.speedup import reduction, speedup, utilization


class NoLayersError(CrispError):
    """There are no layers to add up."""


class _CoreLayer(LayerFigures):
    """A layer alone on the core, with the cycles that count."""

    @property
    def cycles(self) -> int:
        """Those that were predicted, unless they were measured."""
        return self.cycles_predicted

    @property
    def speedup(self) -> float | None:
        """Cycles of the dense layer over its own, both alone on the same core."""
        return speedup(self.cycles_dense, self.cycles)


@dataclass(frozen=True, kw_only=True)
class RtlLayer(_CoreLayer):
    """A layer that ran on the simulated core.

    Attributes
    ----------
    cycles_rtl : counted by the core; the same for every image.
    cycles_by_cause : the same by what the core did.
    bit_exact : every output of every image is golden's.
    images : that it ran for.
    seconds : that the simulation took.
    """

    cycles_rtl: int
    cycles_by_cause: dict[str, int] | None = known()
    bit_exact: bool
    images: int | None = known()
    seconds: float | None = known()

    @property
    def cycles(self) -> int:
        """Those that the core counted."""
        return self.cycles_rtl

    @property
    def utilization(self) -> float:
        """Ideal cycles over those that the core counted."""
        return utilization(self.cycles_ideal, self.cycles)

    def failures(self) -> list[str]:
        """One sentence each if outputs or cycles are not the predicted ones."""
        sentences = []
        if not self.bit_exact:
            sentences.append(f"{self.name}: the RTL's output differs from the golden model's")
        if self.cycles_rtl != self.cycles_predicted:
            sentences.append(
                f"{self.name}: the RTL took {self.cycles_rtl} cycles, "
                f"the cycle model predicted {self.cycles_predicted}"
            )
        return sentences


@dataclass(frozen=True, kw_only=True)
class InspectedLayer(_CoreLayer):
    """A layer with its weights and multiplications.

    Attributes
    ----------
    dense_does_not_fit : why there are no dense cycles; None if there are.
    weights, nonzero : all, and those that are not zero.
    macs_dense, macs : multiplications for an image: of all weights, and of those that are not zero.
    """

    dense_does_not_fit: str | None
    weights: int
    nonzero: int
    macs_dense: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class LayerTotals:
    """Sums over layers that run alone, one after another.

    Attributes
    ----------
    bytes_dense, bytes_packed, cycles_predicted, cycles_ideal : as of each layer.
    cycles_dense : None if that of a layer is not known.
    """

    bytes_dense: int
    bytes_packed: int
    cycles_predicted: int
    cycles_ideal: int
    cycles_dense: int | None

    @classmethod
    def of(cls, layers: Iterable[LayerFigures]) -> Self:
        """Add layers up."""
        return cls(**cls._sums(list(layers)))

    @classmethod
    def _sums(cls, layers: Sequence[Any]) -> dict[str, Any]:
        """The sum of each field; None where one of its values is."""
        columns = {name: [getattr(layer, name) for layer in layers] for name in cls._summed()}
        return {name: None if None in column else sum(column) for name, column in columns.items()}

    @classmethod
    def _summed(cls) -> tuple[str, ...]:
        return ("bytes_dense", "bytes_packed", "cycles_predicted", "cycles_ideal", "cycles_dense")

    @property
    def cycles(self) -> int:
        """Cycles that count: those that were predicted, unless they were measured."""
        return self.cycles_predicted

    @figure
    def compression(self) -> float:
        """Bytes of the dense over those of the packed weights, with all indices."""
        return reduction(self.bytes_dense, self.bytes_packed)

    @figure
    def speedup(self) -> float | None:
        """Cycles of the dense layers over those of the sparse ones, all alone on the same core."""
        return speedup(self.cycles_dense, self.cycles)


@dataclass(frozen=True, kw_only=True)
class RtlTotals(LayerTotals):
    """Sums over the layers that ran on the simulated core.

    Attributes
    ----------
    layers : how many.
    cycles_rtl : counted by the core.
    bit_exact, cycles_exact : whether every layer's outputs are golden's, and its cycles the predicted ones.
    """

    layers: int
    cycles_rtl: int
    bit_exact: bool
    cycles_exact: bool

    @classmethod
    def of(cls, layers: Iterable[RtlLayer]) -> Self:
        """Add layers up.

        Raises
        ------
        NoLayersError : there is none.
        """
        layers = list(layers)
        if not layers:
            raise NoLayersError("the report has no layers, expected at least one")
        return cls(
            **cls._sums(layers),
            layers=len(layers),
            bit_exact=all(layer.bit_exact for layer in layers),
            cycles_exact=all(layer.cycles_rtl == layer.cycles_predicted for layer in layers),
        )

    @classmethod
    def _summed(cls) -> tuple[str, ...]:
        return (*super()._summed(), "cycles_rtl")

    @property
    def cycles(self) -> int:
        """Those that the core counted."""
        return self.cycles_rtl

    @figure
    def utilization(self) -> float:
        """Ideal cycles over those that the core counted."""
        return utilization(self.cycles_ideal, self.cycles)


@dataclass(frozen=True, kw_only=True)
class InspectedTotals(LayerTotals):
    """Sums over inspected layers.

    Attributes
    ----------
    weights, nonzero, macs_dense, macs : as of each layer.
    """

    weights: int
    nonzero: int
    macs_dense: int
    macs: int

    @classmethod
    def _summed(cls) -> tuple[str, ...]:
        return (*super()._summed(), "weights", "nonzero", "macs_dense", "macs")

    @figure
    def sparsity(self) -> float:
        """Share of the weights that is zero."""
        return 1 - self.nonzero / max(1, self.weights)

    @figure
    def mac_reduction(self) -> float:
        """Multiplications of the dense network over those with weights that are not zero."""
        return reduction(self.macs_dense, self.macs)


def rtl_failures(layers: Iterable[RtlLayer]) -> list[str]:
    """One sentence for every layer whose outputs or cycles on the RTL are not the predicted ones."""
    return [sentence for layer in layers for sentence in layer.failures()]
