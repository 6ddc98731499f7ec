"""State dicts that PyTorch reads without us, and those of others that we read."""

import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.state_dict import read_state_dict, save_state_dict
from crisp_sw.models import build_model


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return build_model("small-resnet", in_channels=1, num_classes=3)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_round_trip(model, tmp_path, name: str):
    size = save_state_dict(model, tmp_path / "deep" / name)
    assert size == (tmp_path / "deep" / name).stat().st_size
    state = read_state_dict(tmp_path / "deep" / name)
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_pytorch_reads_it_without_us(model, tmp_path):
    save_state_dict(model, tmp_path / "a.safetensors")
    save_state_dict(model, tmp_path / "a.pth")
    fresh = build_model("small-resnet", in_channels=1, num_classes=3)
    fresh.load_state_dict(load_file(tmp_path / "a.safetensors"))
    fresh.load_state_dict(torch.load(tmp_path / "a.pth", weights_only=True))


def test_other_suffixes_are_refused(model, tmp_path):
    with pytest.raises(CheckpointError, match=r"expected a name that ends in \.safetensors, \.pt"):
        save_state_dict(model, tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_state_dict_beside_an_optimizer(model, tmp_path):
    torch.save({"state_dict": model.state_dict(), "epoch": 3}, tmp_path / "a.pth")
    assert read_state_dict(tmp_path / "a.pth").keys() == model.state_dict().keys()


class Command:
    """What a malicious file would hold."""

    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable state dict"),
        (b"nonsense", "not a readable state dict"),
        (pickle.dumps(Command(), protocol=2), "not a readable state dict"),
    ],
)
def test_damaged_or_malicious_files(content: bytes, message: str, tmp_path, capsys):
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            read_state_dict(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_whole_models_and_other_objects_are_refused(model, tmp_path):
    torch.save(model, tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="not a readable state dict"):
        read_state_dict(tmp_path / "model.pth")
    torch.save({"lr": 0.1}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="expected a state dict, tensors by parameter name"):
        read_state_dict(tmp_path / "other.pth")


def test_absent_file(tmp_path):
    for name in ("a.pth", "a.safetensors"):
        with pytest.raises(CheckpointError, match=f"{name}: cannot be read"):
            read_state_dict(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
def test_tied_weights_are_written_for_each_of_their_names(tmp_path, name: str):
    def tied() -> nn.Module:
        first, second = nn.Linear(4, 4), nn.Linear(4, 4)
        second.weight = first.weight
        return nn.Sequential(first, nn.ReLU(), second)

    model, fresh = tied(), tied()
    save_state_dict(model, tmp_path / name)
    state = read_state_dict(tmp_path / name)
    expected = model.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())
    assert state["0.weight"].data_ptr() != state["2.weight"].data_ptr()
    fresh.load_state_dict(state)
    assert torch.equal(fresh.state_dict()["2.weight"], expected["0.weight"])


@pytest.mark.parametrize("operation", [b"0.", b"s.", b"u.", b"R.", b"b.", b"q\x00.", b"N\x85Q."])
def test_operations_of_a_pickle_that_find_nothing_to_work_on(operation: bytes, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + operation)
        archive.writestr("a/version", b"3")
    with pytest.raises(CheckpointError, match=r"a\.pth: not a readable state dict \(.+\)"):
        read_state_dict(tmp_path / "a.pth")


def test_names_are_texts(tmp_path):
    torch.save({7: torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="tensors by parameter name, not 7"):
        read_state_dict(tmp_path / "a.pth")


def test_a_small_file_may_not_unpack_to_a_large_one(tmp_path):
    torch.save({"weight": torch.zeros(1 << 20)}, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as source,
        zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with pytest.raises(CheckpointError, match=r"b\.pth: .*it unpacks to 4\d{6} bytes; expected at most \d+"):
        read_state_dict(tmp_path / "b.pth")
