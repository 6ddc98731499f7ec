"""A package that is missing is named, with the extra that brings it."""

import sys

import pytest

from crisp_sw.optional_packages import MissingPackageError, require_packages


def test_packages_that_are_there_are_no_problem():
    require_packages("json", "math", purpose="a test", extra="none")


def test_missing_package_is_named_with_its_purpose_and_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        MissingPackageError, match=r"^plots needs the package matplotlib, .*'crisp-stc\[sweep\]'$"
    ):
        require_packages("json", "matplotlib", purpose="plots", extra="sweep")


def test_package_that_does_not_work_says_why(monkeypatch, tmp_path):
    (tmp_path / "broken_package.py").write_text("raise ImportError('libfoo.so.1: cannot open')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError, match=r"libfoo\.so\.1: cannot open"):
        require_packages("broken_package", purpose="a test", extra="none")
