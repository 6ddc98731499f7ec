"""What ONNX says an operator has, and what of it the importer reads: nothing is left out in silence.

`crisp_sw.exchange.onnx.file.operator_table` declares every operator that is accepted, for all opsets from
`OLDEST_OPSET` to `NEWEST_OPSET`. What a node has beyond that is refused by name; so are values that a
declaration does not accept. Values that it accepts are those that the operator's handler looks at, or those
that change nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisp_sw.exchange.onnx.errors import OnnxModelError

OLDEST_OPSET = 13
"""The first with a scale per channel."""

NEWEST_OPSET = 28
"""The newest whose definitions have been gone through."""


@dataclass(frozen=True, kw_only=True)
class Versioned:
    """Something that an operator has in some opsets."""

    since: int = OLDEST_OPSET
    until: int = NEWEST_OPSET

    def is_in(self, opset: int) -> bool:
        """Whether the operator has it in this opset."""
        return self.since <= opset <= self.until


@dataclass(frozen=True)
class Attribute(Versioned):
    """One attribute.

    Attributes
    ----------
    kind : its type as ONNX calls it, such as ``INT``.
    reading : what is made of it, for the documentation.
    default : its value where a node does not have it; None if there is none.
    accepts : the only values that are accepted; None if the handler decides.
    """

    name: str
    kind: str
    reading: str
    default: Any = None
    required: bool = False
    accepts: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Input(Versioned):
    """One input.

    Attributes
    ----------
    types : NumPy's names of the element types that it may have where it is a constant.
    constant : whether it must be one.
    single : whether it must be one number.
    variadic : whether a node may have any number of it, from one on.
    """

    name: str
    reading: str
    types: tuple[str, ...]
    optional: bool = False
    constant: bool = False
    single: bool = False
    variadic: bool = False


@dataclass(frozen=True)
class Operator:
    """One operator; only its first output can be read."""

    inputs: tuple[Input, ...]
    attributes: tuple[Attribute, ...] = ()
    outputs: tuple[str, ...] = ("output",)

    def inputs_in(self, opset: int, count: int) -> list[Input]:
        """The declarations of a node's ``count`` inputs, in order; fewer if the operator has fewer."""
        declared = [item for item in self.inputs if item.is_in(opset)]
        if declared and declared[-1].variadic:
            declared += declared[-1:] * (count - len(declared))
        return declared[:count]

    def check_counts(self, label: str, inputs: Sequence[str], outputs: Sequence[str], opset: int) -> None:
        """Check that a node has the inputs and the output that the operator needs, and no others.

        Raises
        ------
        OnnxModelError : names the one that is missing, or how many there are.
        """
        declared = self.inputs_in(opset, len(inputs))
        if len(declared) < len(inputs):
            raise OnnxModelError(f"{label} has {len(inputs)} inputs; expected at most {len(declared)}")
        if len(outputs) > len(self.outputs):
            raise OnnxModelError(f"{label} has {len(outputs)} outputs; expected {len(self.outputs)}")
        if not outputs or not outputs[0]:
            raise OnnxModelError(f"{label} has no name for its output {self.outputs[0]!r}")
        for place, item in enumerate(item for item in self.inputs if item.is_in(opset)):
            if not item.optional and not (place < len(inputs) and inputs[place]):
                raise OnnxModelError(f"{label} lacks its input {item.name!r}")

    def read_attributes(self, label: str, given: Mapping[str, tuple[str, Any]], opset: int) -> dict[str, Any]:
        """All attributes by name: those of a node, given with their types, and the defaults of others.

        Raises
        ------
        OnnxModelError : the operator has no such attribute in this opset, it is of another type, or its value
            is not accepted.
        """
        declared = {item.name: item for item in self.attributes if item.is_in(opset)}
        for name, (kind, value) in given.items():
            item = declared.get(name)
            if item is None:
                raise OnnxModelError(f"{label} has {name!r}, which is no attribute of it in opset {opset}")
            if kind != item.kind:
                raise OnnxModelError(f"{label} has {name} of the type {kind}; expected {item.kind}")
            if item.accepts is not None and value not in item.accepts:
                expected = " or ".join(map(str, item.accepts)) or "it to be absent"
                raise OnnxModelError(f"{label} has {name} {_shown(value)}; expected {expected}")
        for item in declared.values():
            if item.required and item.name not in given:
                raise OnnxModelError(f"{label} lacks its attribute {item.name!r}")
        defaults = {item.name: item.default for item in declared.values() if item.default is not None}
        return defaults | {name: value for name, (_, value) in given.items()}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
