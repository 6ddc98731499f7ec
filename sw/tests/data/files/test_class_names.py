"""Tables of class names."""

import pytest

from crisp_sw.data.files.class_names import read_class_names
from crisp_sw.errors import DatasetError


def test_without_a_table_ids_are_the_names(tmp_path):
    assert read_class_names(tmp_path, ["n1", "n2"]) == ("n1", "n2")


@pytest.mark.parametrize("name", ["classes.tsv", "words.txt"])
def test_names_come_from_either_table(tmp_path, name):
    (tmp_path / name).write_text("n0\tentity\nn2\ttwo, deux\n")
    assert read_class_names(tmp_path, ["n1", "n2"]) == ("n1", "two, deux")


@pytest.mark.parametrize("name", ["classes.tsv", "words.txt"])
def test_other_encoding_is_named(tmp_path, name):
    (tmp_path / name).write_bytes("n1\tone\nn2\tjalape\u00f1o\n".encode("latin-1"))
    with pytest.raises(
        DatasetError, match=rf"{name}: line 2 has the byte 0xf1, which is no UTF-8; expected UTF-8$"
    ):
        read_class_names(tmp_path, ["n1", "n2"])


def test_bad_line_is_quoted(tmp_path):
    (tmp_path / "words.txt").write_text("n1\t \n")
    with pytest.raises(DatasetError, match="line 1 is 'n1\\\\t '; expected an id, a tab and a name"):
        read_class_names(tmp_path, ["n1"])


def test_a_table_that_cannot_be_read_is_not_left_out(tmp_path):
    (tmp_path / "classes.tsv").symlink_to("nowhere")
    with pytest.raises(DatasetError, match=r"classes\.tsv: No such file or directory"):
        read_class_names(tmp_path, ["n1"])
