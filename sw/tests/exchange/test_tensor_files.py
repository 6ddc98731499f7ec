"""Files of tensors: readable as any other file, whole or absent, and tied weights are written twice."""

import os
from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import load_file

from crisp_sw.exchange.checkpoint import write_tensors
from crisp_sw.exchange.tensor_files import separate, write_safetensors


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_who_may_read_is_up_to_the_umask(tmp_path, umask):
    write_safetensors(tmp_path / "new" / "a.safetensors", {"x": torch.arange(3)}, {"kind": "test"})
    write_tensors(tmp_path / "new" / "b.safetensors", {"x": torch.arange(3)}, {})
    (tmp_path / "new" / "text").write_text("as any other file")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {name: 0o666 & ~umask for name in ("a.safetensors", "b.safetensors", "text")}


def test_tensors_that_share_memory_come_back_alone(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {"whole": whole, "tied": whole, "row": whole[1], "turned": whole.T, "other": torch.ones(2)}
    write_safetensors(tmp_path / "a.safetensors", tensors, {})
    loaded = load_file(tmp_path / "a.safetensors")
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(value, tensors[name]) for name, value in loaded.items())


def test_only_what_shares_memory_is_copied():
    whole, other = torch.arange(4.0), torch.ones(2)
    found = separate({"whole": whole, "tied": whole, "other": other})
    assert found["whole"].data_ptr() == whole.data_ptr() != found["tied"].data_ptr()
    assert found["other"].data_ptr() == other.data_ptr()


def test_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"x": torch.zeros(2)}, {})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_safetensors(path, {"x": torch.zeros(3)}, {"kind": object()})  # pyright: ignore[reportArgumentType]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
