"""Classes by index, id and name, and the subset of images that belongs to them."""

import pytest
import torch

from crisp_sw.data import DatasetSplits, ImageSet, resolve_classes
from crisp_sw.errors import ClassSelectionError

CLASSES = ("goldfish, Carassius auratus", "crane", "crane", "Ankle boot", "T-shirt/top")
IDS = ("n01", "n02", "n03", "n04", "n05")


def dataset(classes=CLASSES, ids=IDS):
    images = ImageSet(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    return DatasetSplits(name="toy", train=images, test=images, classes=classes, class_ids=ids)


@pytest.mark.parametrize(
    ("wanted", "indices"),
    [
        ("ankle boot, GOLDFISH", (3, 0)),
        ("n03,1,carassius auratus", (2, 1, 0)),
        ([4, "n01"], (4, 0)),
        (("T-Shirt/Top",), (4,)),
        ("goldfish, Carassius auratus", (0,)),
        ("Goldfish,carassius auratus ,ankle boot", (0, 3)),
        ("n02,goldfish", (1, 0)),
        (["goldfish,Carassius auratus"], (0,)),
    ],
)
def test_classes_are_found_by_name_id_and_index(wanted, indices):
    assert resolve_classes(dataset(), wanted) == indices


def test_data_set_without_ids_is_searched_by_name():
    assert resolve_classes(dataset(("cat", "dog"), ()), "dog,0") == (1, 0)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("ankel boot", "no class 'ankel boot' in toy; did you mean 'Ankle boot'?"),
        ("cran", "no class 'cran' in toy; did you mean 'crane'"),
        ("boot", "no class 'boot' in toy; did you mean 'Ankle boot'?"),
        ("golden fish", "no class 'golden fish' in toy; did you mean 'goldfish, Carassius auratus'?"),
        ("5", "no class '5' in toy; expected an index from 0 to 4 or one of: goldfish"),
        ("-1", "no class '-1' in toy"),
        (
            "crane",
            "class 'crane' is ambiguous: 'crane' (id 'n02', index 1) or 'crane' (id 'n03', index 2); ",
        ),
        ("goldfish,,crane", "name 2 of 'goldfish,,crane' is empty; expected a class in its place"),
        ("goldfish, ", "name 2 of 'goldfish, ' is empty"),
        (["goldfish", ""], "name 2 of 'goldfish,' is empty"),
        ("9" * 5000, "no class '9999"),
        ("goldfish,Carassius auratus,goldfish", "class 'goldfish' is given twice"),
        ("n04,ankle boot", "class 'ankle boot' is given twice"),
        (" , ", "no classes given; expected some of: goldfish"),
        ([], "no classes given"),
    ],
)
def test_bad_selection_is_explained(wanted, message):
    with pytest.raises(ClassSelectionError) as caught:
        resolve_classes(dataset(), wanted)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "indices"),
    [
        ("Bag", (0,)),
        ("bag, Bag", (1, 0)),
        ("bag ,hat", (1, 7)),
        ("ANKLE BOOT,Ankle Boot", (3, 2)),
        (["pea  coat", "Pea Coat", "pea coat"], (4, 6, 5)),
        ("pea  coat,pea coat", (4, 5)),
        ("HAT", (7,)),
    ],
)
def test_what_is_spelled_so_comes_first(wanted, indices):
    names = ("Bag", "bag", "Ankle Boot", "ANKLE BOOT", "pea  coat", "pea coat", "Pea Coat", "hat")
    assert resolve_classes(dataset(names, ()), wanted) == indices
    assert resolve_classes(dataset(tuple(f"class {n}" for n in range(8)), names), wanted) == indices


@pytest.mark.parametrize("wanted", ["BAG", ["BAG"], " BAG "])
def test_near_names_of_several_classes_are_listed(wanted):
    with pytest.raises(ClassSelectionError) as caught:
        resolve_classes(dataset(("Bag", "bag", "hat"), ("0a", "0b", "0c")), wanted)
    assert str(caught.value) == (
        "class 'BAG' is ambiguous: 'Bag' (id '0a', index 0) or 'bag' (id '0b', index 1); "
        "expected one of these ids or indices"
    )


def test_an_exact_name_wins_over_a_near_id():
    assert resolve_classes(dataset(("b", "a"), ("A", "B")), "a,b") == (1, 0)


def test_a_number_is_a_name_before_it_is_an_index():
    data = dataset(("2", "one", "two"), ())
    assert resolve_classes(data, "2,1") == (0, 1)
    assert resolve_classes(data, [2, 1]) == (2, 1)
    with pytest.raises(ClassSelectionError, match="no class '1' in toy"):
        resolve_classes(data, "2,1", by_index=False)


@pytest.mark.parametrize("index", ["5", "200", "-1"])
def test_index_out_of_range_suggests_no_names(index):
    names = ("black stork 2000", "espresso 5", "one -1", "crane", "boot")
    with pytest.raises(ClassSelectionError) as caught:
        resolve_classes(dataset(names), index)
    message = f"no class {index!r} in toy; expected an index from 0 to 4 or one of: black stork"
    assert str(caught.value).startswith(message)


def test_longest_name_with_commas_counts():
    data = dataset(("school bus", "crane", "crane, bird, Grus grus", "bird"), ())
    assert resolve_classes(data, "school bus, crane, bird") == (0, 2)
    assert resolve_classes(data, "crane,bird,grus grus,bird,0") == (2, 3, 0)


def test_id_wins_over_the_name_of_another_class():
    assert resolve_classes(dataset(("b", "a"), ("a", "b")), "a,b") == (0, 1)


def test_several_near_names_are_suggested():
    data = dataset(("coat", "catboat", "Egyptian cat", "Persian cat", "tabby, tabby cat", "cot"), ())
    with pytest.raises(ClassSelectionError) as caught:
        resolve_classes(data, "cat")
    assert "did you mean 'Egyptian cat', 'Persian cat' or 'tabby, tabby cat'?" in str(caught.value)
