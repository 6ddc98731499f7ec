"""Summaries have every fact, and cells cannot break the table."""

import pytest

from crisp_sw.report.markdown import MarkdownTable, code, markdown_page, markdown_text, settings_table


def test_page():
    table = MarkdownTable("Layers", ("layer", "K"), [("a|b", "3"), ("c\nd", "4")])
    assert markdown_page("A model", {"accuracy": "98.00%", "classes": ["cat", "dog"]}, [table]) == (
        "# A model\n\n- **accuracy**: 98.00%\n- **classes**: cat, dog\n\n## Layers\n\n"
        "| layer | K |\n| :-- | --: |\n| a\\|b | 3 |\n| c\\\\nd | 4 |\n"
    )


def test_settings_are_flat():
    table = settings_table({"n": 1, "exclude": [], "nested": {"seed": None}})
    assert list(table.rows) == [("n", "1"), ("exclude", "none"), ("nested.seed", "none")]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("layer1.0.conv2", "layer1.0.conv2"),
        ("small_resnet 3:4, 5 < 6 & 7 > 2 (a)", "small_resnet 3:4, 5 < 6 & 7 > 2 (a)"),
        ("<img src=x>", "\\<img src=x>"),
        ("</td><!-- <?x", "\\</td>\\<!-- \\<?x"),
        ("&lt; &#60;", "\\&lt; \\&#60;"),
        ("![a](b) [c](d)", "!\\[a](b) \\[c](d)"),
        ("*a* __b__ ~~c~~ `d` $e$", "\\*a\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~ \\`d\\` \\$e\\$"),
        ("a\\|b", "a\\\\\\|b"),
        ("C #", "C \\#"),
        ("a\n# b", "a\\\\n# b"),
        ("\x1b[31m", "\\\\x1b\\[31m"),
        ("\u202ecba", "\\\\u202ecba"),
    ],
)
def test_text_of_users_stays_text(text, markdown):
    assert markdown_text(text) == markdown
    assert markdown_text(markdown_text(text)) == markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [("crisp demo", "`crisp demo`"), ("a `b` <c>", "``a `b` <c>``"), ("`", "`` ` ``")],
)
def test_code_of_users_stays_code(text, markdown):
    assert code(text) == markdown
