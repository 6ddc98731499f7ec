"""Image folders with something wrong in them, on the command line."""

import json
from pathlib import Path

import pytest
from PIL import Image

from sw.tests.cli.runner import crisp


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CRISP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for split, count in (("train", 4), ("val", 2)):
        for label, name in enumerate(("n1", "n2")):
            (tmp_path / "imgs" / split / name).mkdir(parents=True)
            for index in range(count):
                picture = Image.new("L", (8, 8), 80 * label + index)
                picture.save(tmp_path / "imgs" / split / name / f"{index}.png")
    return tmp_path / "imgs"


def test_other_encoding_is_one_message(folder):
    (folder / "classes.tsv").write_bytes("n1\tcat\nn2\tjalape\u00f1o\n".encode("latin-1"))
    result = crisp("train", "--data", folder, "--epochs", 1)
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {folder}/classes.tsv: line 2 has the byte 0xf1, which is no UTF-8; expected UTF-8\n"
    )
    assert not Path("build").exists()


def test_picture_of_an_unknown_kind_is_refused_or_named(folder):
    Image.new("L", (8, 8)).save(folder / "train" / "n1" / "4.tif")
    (folder / "train" / "n1" / ".DS_Store").touch()
    train = ("train", "--data", folder, "--epochs", 1, "--batch", 4, "--out", "model")
    refused = crisp(*train)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: {folder}/train/n1/4.tif: no picture of a known kind; expected")
    assert not Path("model").exists()
    result = crisp(*train, "--unreadable", "skip")
    assert result.exit_code == 0, result.stderr
    assert f"skipped {folder}/train/n1/4.tif: no picture of a known kind" in result.stderr
    figures = json.loads(Path("model/train.json").read_text())
    assert figures["training_images"] == 8
    assert len(figures["skipped"]) == 1
