"""Of the ways to arrange the image, those that do not fit are no reason to refuse the others."""

from dataclasses import replace

import pytest

from crisp_spec.config import CoreConfig, preset
from crisp_spec.errors import CapacityError
from crisp_sw.compile.compiler import compile_network
from sw.tests.compile.chains import chain, conv


def with_smem(words: int) -> CoreConfig:
    return replace(preset("tiny"), smem_words=words)


def test_only_the_image_as_it_is_may_fit():
    network = chain((4, 8, 8), conv("a", 4, 8, 7, padding=(3, 3)))
    assert compile_network(with_smem(64), network).mapping is None


def test_only_a_rearrangement_may_fit():
    network = chain((1, 8, 8), conv("a", 1, 8, 3, stride=2, padding=(1, 1)))
    assert compile_network(with_smem(32), network).mapping is not None


@pytest.mark.parametrize(("stride", "words"), [(1, 160), (2, 180), (3, 42)])
def test_if_nothing_fits_it_is_said_of_the_first_way(stride: int, words: int):
    """Of the image as it is, but with stride 3, which the core does not know."""
    network = chain((1, 40, 40), conv("a", 1, 8, 3, stride=stride, padding=(1, 1)))
    with pytest.raises(CapacityError) as caught:
        compile_network(with_smem(32), network)
    expected = f"a: one output row needs {words} words of the activation memory, which has 32"
    assert str(caught.value) == expected
