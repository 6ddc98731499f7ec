"""What a fuzz target is: a loader, and where its inputs come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True, kw_only=True)
class Target:
    """A loader that must return, or refuse its input in a sentence, whatever the input is.

    Attributes
    ----------
    name : of the target, and of its folders of findings.
    load : feeds the loader; raises what the loader raises.
    inputs : makes the strategy that draws inputs. It is called once, before the first of them.
    examples : inputs that the tests try; chosen so that a target takes a few seconds.
    """

    name: str
    load: Callable[[bytes], object]
    inputs: Callable[[], SearchStrategy[bytes]]
    examples: int


@contextmanager
def file_with(data: bytes, name: str) -> Iterator[Path]:
    """A file of that name in a folder of its own, for as long as the block runs."""
    with TemporaryDirectory(prefix="crisp-fuzz-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path
