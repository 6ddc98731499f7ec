"""In a checkout its own folders are used, elsewhere the cache that the environment names."""

from pathlib import Path

import pytest

from crisp_files import folders
from crisp_files.folders import FolderError, build_folder, checkout, in_checkout, user_cache

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(monkeypatch, tmp_path) -> Path:
    """A home folder, without any setting of caches."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CRISP_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As if the package lay in a folder of installed packages."""
    monkeypatch.setattr(folders, "_PROJECT", tmp_path / "lib" / "python3.11")


def test_a_checkout_is_found_from_its_sources():
    assert checkout() == PROJECT
    assert in_checkout("docs/registers.md") == PROJECT / "docs" / "registers.md"
    assert build_folder() == PROJECT / "build"


def test_an_installed_package_builds_in_the_users_cache(installed, home):
    assert checkout() is None
    assert build_folder() == home / ".cache" / "crisp-stc" / "build"


def test_what_only_a_checkout_has_is_refused_by_name_elsewhere(installed):
    with pytest.raises(FolderError) as refused:
        in_checkout("docs/registers.md")
    assert str(refused.value) == (
        "docs/registers.md is part of a checkout of crisp-stc, not of the installed package"
    )


def test_the_cache_follows_the_environment(home, monkeypatch):
    assert user_cache() == home / ".cache" / "crisp-stc"
    monkeypatch.setenv("XDG_CACHE_HOME", "/else")
    assert user_cache() == Path("/else/crisp-stc")
    monkeypatch.setenv("CRISP_CACHE", "/somewhere")
    assert user_cache() == Path("/somewhere")
    monkeypatch.chdir(home)
    monkeypatch.setenv("CRISP_CACHE", "here")
    assert user_cache() == home / "here"


@pytest.mark.parametrize("unset", ["", "relative/folder"])
def test_a_cache_that_is_no_absolute_path_counts_as_not_set(home, monkeypatch, unset):
    monkeypatch.setenv("XDG_CACHE_HOME", unset)
    monkeypatch.setenv("CRISP_CACHE", "")
    assert user_cache() == home / ".cache" / "crisp-stc"


def test_a_user_without_a_home_learns_what_to_set(home, monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(FolderError, match=r"no home folder; set CRISP_CACHE to a folder for caches$"):
        user_cache()
