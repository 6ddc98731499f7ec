"""The page of settings: every setting once for each class that declares it, with what the docstrings say."""

from dataclasses import dataclass, fields

from crisp_sw.prune import CrispPruning, LayerRule, prune_methods
from crisp_sw.prune.settings.prune_settings import known_settings
from crisp_sw.prune.settings.settings_page import described, settings_page


def test_every_setting_and_method_is_there():
    page = settings_page()
    for name in known_settings()[1:]:
        assert f"\n| `{name}` | " in page, name
    for name, kind in prune_methods().items():
        assert f"\n| `{name}` | `{kind.__name__}` | " in page


def test_rows_have_choices_readers_and_meaning():
    page = settings_page()
    assert '| `rank_score` | `"mean"` | `mean`, `sum` | `crisp` | rank-columns of different layers' in page
    assert "| `sparsity` | `0.92` | number | all but `dense` | share of the prunable layers' weights" in page
    assert "| `seed` | `0` | integer | all | of batch order, " in page
    assert '| `role` | `first`, `classifier` | "first", the layer that runs first' in page


def test_descriptions_go_over_lines_and_names():
    @dataclass
    class Example:
        """Two of them.

        Parameters
        ----------
        one, two : what both
            are.

        Not a parameter.
        """

    assert described(Example) == {"one": "what both are.", "two": "what both are."}
    assert set(described(LayerRule)) == {item.name for item in fields(LayerRule)}
    assert "nm_choice" in described(CrispPruning)
