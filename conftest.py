"""The order of the tests: the longest first, so that no process is left alone with one of them at the end."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests that are marked as slow to the front."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
