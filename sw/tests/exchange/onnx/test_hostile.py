"""Files that somebody has tampered with: each is refused in one sentence, or is a network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf.descriptor import FieldDescriptor

from crisp_spec.errors import CrispError
from crisp_sw.exchange.onnx import import_onnx
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from sw.tests.exchange.onnx import number_forms
from sw.tests.exchange.onnx.importer import qdq_forms

INTEGERS = (0, 1, -1, 2, 3, 4, 7, 16, 17, 22, 255, 1 << 16, (1 << 31) - 1, -(1 << 31), 1 << 40, (1 << 63) - 1)
FLOATS = (0.0, -1.0, 0.5, 1e38, 1e-45, float("nan"), float("inf"))
LENGTHS = (0, 1, 4, 16, 144, 576)


def sites(message: Any) -> Iterator[tuple[Any, FieldDescriptor]]:
    """Every field of a message and of those inside, also those that are empty."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from sites(inner)


def some_value(rng: np.random.Generator, field: FieldDescriptor, texts: list[str]) -> Any:
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return FLOATS[rng.integers(len(FLOATS))]
    if field.type == field.TYPE_BYTES:
        return rng.bytes(LENGTHS[rng.integers(len(LENGTHS))])
    if field.type == field.TYPE_STRING:
        return texts[rng.integers(len(texts))]
    return INTEGERS[rng.integers(len(INTEGERS))]


def change(rng: np.random.Generator, message: Any, field: FieldDescriptor, texts: list[str]) -> None:
    """Drop, double, exchange or replace what a field has."""
    values = getattr(message, field.name)
    if hasattr(values, "append"):
        place = int(rng.integers(len(values))) if len(values) else None
        match rng.integers(3):
            case 0 if place is not None:
                del values[place]
            case 1 if place is not None:
                values.append(values[place])
            case _:
                values.append(type(values[0])() if field.message_type else some_value(rng, field, texts))
    elif field.message_type is not None or rng.integers(4) == 0:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, some_value(rng, field, texts))


def tampered(model: onnx.ModelProto, rng: np.random.Generator) -> bytes:
    """The model with one to three changes somewhere, in some cases with bits flipped as well."""
    graph = model.graph
    texts = ["", "\x1b[2J\n", "VALID", "axes", *(item.name for item in graph.initializer)]
    texts += [text for node in graph.node for text in (node.op_type, *node.output)]
    for _ in range(rng.integers(1, 4)):
        places = list(sites(model))
        try:
            change(rng, *places[rng.integers(len(places))], texts)
        except (IndexError, ValueError):  # protobuf's own bounds
            continue
    data = bytearray(model.SerializeToString())
    for _ in range(rng.integers(1, 6) if rng.integers(7) == 0 else 0):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(data)


FORMS = [*qdq_forms.FORMS, *number_forms.FORMS]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_tampered_files_give_one_sentence_or_a_network(form: Callable[[QdqGraph], None], tmp_path: Path):
    path = tmp_path / "net.onnx"
    for seed in range(12):
        rng = np.random.default_rng([seed, FORMS.index(form)])
        path.write_bytes(tampered(number_forms.graph_of(form).model(), rng))
        try:
            import_onnx(path)
        except CrispError as error:
            assert str(error).startswith(f"{path}: "), seed  # noqa: PT017
            assert str(error).isprintable(), seed  # noqa: PT017
