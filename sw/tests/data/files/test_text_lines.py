"""Tables as lines, and what is said of other encodings."""

import os

import pytest

from crisp_sw.data.files.text_lines import read_lines
from crisp_sw.errors import DatasetError

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("mark", [b"", MARK])
def test_lines_come_without_the_mark(tmp_path, mark):
    (tmp_path / "a.tsv").write_bytes(mark + "n1\tMüller\r\n\nn2\t猫\n".encode())
    assert read_lines(tmp_path / "a.tsv") == ["n1\tMüller", "", "n2\t猫"]


def test_separators_within_a_line_do_not_end_it(tmp_path):
    (tmp_path / "a.tsv").write_bytes("n1\ta\u2028b\x85c\rn2\td\x0be".encode())
    assert read_lines(tmp_path / "a.tsv") == ["n1\ta\u2028b\x85c", "n2\td\x0be"]


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [(b"\xfcber\n", 1, "fc"), (b"a\nb\n\xe9", 3, "e9"), (b"a\nb \xe7a", 2, "e7"), (b"a\n\xff\xfe", 2, "ff")],
)
def test_line_and_byte_of_another_encoding_are_named(tmp_path, mark, content, line, byte):
    (tmp_path / "a.tsv").write_bytes(mark + content)
    with pytest.raises(
        DatasetError, match=rf"a\.tsv: line {line} has the byte 0x{byte}, which is no UTF-8; expected UTF-8$"
    ):
        read_lines(tmp_path / "a.tsv")


def test_what_is_no_table_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.tsv")
    with pytest.raises(DatasetError, match=r"pipe\.tsv: a named pipe; expected a regular file$"):
        read_lines(tmp_path / "pipe.tsv")
    with open(tmp_path / "huge.tsv", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DatasetError, match=r"huge\.tsv: 1099511627776 bytes; expected at most 67108864$"):
        read_lines(tmp_path / "huge.tsv")
