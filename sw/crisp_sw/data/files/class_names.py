"""Display names of the classes of an image folder: ``classes.tsv``, or ImageNet's ``words.txt``."""

import os
from collections.abc import Sequence
from pathlib import Path

from crisp_sw.data.files.text_lines import read_lines
from crisp_sw.errors import DatasetError

TABLES = ("classes.tsv", "words.txt")


def read_class_names(folder: Path, ids: Sequence[str]) -> tuple[str, ...]:
    """Names from the first table that the folder has; a class without a line keeps its id.

    A table has a line for each class: id, tab, name or comma-separated synonyms. Lines of other classes do
    not matter: ``words.txt`` has all of WordNet.

    Raises
    ------
    DatasetError : the table cannot be read, is not in UTF-8, or has a line without a tab or a name, which the
        message quotes.
    """
    table = next((folder / name for name in TABLES if os.path.lexists(folder / name)), None)
    if table is None:
        return tuple(ids)
    names: dict[str, str] = {}
    for number, line in enumerate(read_lines(table), 1):
        identifier, tab, name = line.partition("\t")
        if line.strip() and not (tab and name.strip()):
            raise DatasetError(f"{table}: line {number} is {line!r}; expected an id, a tab and a name")
        names[identifier.strip()] = name.strip()
    return tuple(names.get(identifier, identifier) for identifier in ids)
