"""What users write is printed as they wrote it, but for what a terminal would obey."""

import pytest

from crisp_files.printable import printable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T-shirt/top",
        "[red]",
        "<b>",
        "a\\b",
        "école",
        "靴",
        "क\u200dष",
        "👩\u200d💻",
        "a\u00a0b\u3000c",
    ],
)
def test_words_of_all_scripts_are_as_they_were(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\ab\bc\rd\ne\tf\0", "a\\x07b\\x08c\\rd\\ne\\tf\\x00"),
        ("\x7f\x85", "\\x7f\\x85"),
        ("\u202egpj.exe\u2066\u200f\u061c", "\\u202egpj.exe\\u2066\\u200f\\u061c"),
        ("a\u2028b\u2029c\ufeffd", "a\\u2028b\\u2029c\\ufeffd"),
        ("b\udcffg", "b\\udcffg"),
        ("\U000e0041\U0010ffff", "\\U000e0041\\U0010ffff"),
    ],
)
def test_what_a_terminal_or_a_reader_obeys_is_spelled_out(text, shown):
    assert printable(text) == shown
    assert shown.isprintable()
