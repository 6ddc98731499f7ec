"""Summaries have every fact, and cells cannot break the table."""

from crisp_sw.report.markdown import MarkdownTable, markdown_page, settings_table


def test_page():
    table = MarkdownTable("Layers", ("layer", "K"), [("a|b", "3"), ("c\nd", "4")])
    assert markdown_page("A model", {"accuracy": "98.00%", "classes": ["cat", "dog"]}, [table]) == (
        "# A model\n\n- **accuracy**: 98.00%\n- **classes**: cat, dog\n\n## Layers\n\n"
        "| layer | K |\n| :-- | --: |\n| a\\|b | 3 |\n| c d | 4 |\n"
    )


def test_settings_are_flat():
    table = settings_table({"n": 1, "exclude": [], "nested": {"seed": None}})
    assert list(table.rows) == [("n", "1"), ("exclude", "none"), ("nested.seed", "none")]
