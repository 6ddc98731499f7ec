"""A results file passes only when it is complete and every expected test in it passed."""

import pytest

from crisp_sim.errors import BenchError
from crisp_sim.runs.results import passed_tests

TWO_PASSED = '<testcase classname="core" name="a"/><testcase classname="core" name="b"/>'


@pytest.fixture
def results(tmp_path):
    """Return a function that writes a results file with the given test cases."""

    def write(cases: str):
        path = tmp_path / "results.xml"
        path.write_text(f'<testsuites><testsuite name="core">{cases}</testsuite></testsuites>')
        return path

    return write


def test_the_names_of_passed_tests_are_returned_in_order(results):
    assert passed_tests(results(TWO_PASSED), expected=2) == ("core.a", "core.b")


@pytest.mark.parametrize(("cases", "expected"), [(TWO_PASSED, 1), (TWO_PASSED, 3), ("", 1)])
def test_another_number_of_tests_is_an_error(results, cases, expected):
    with pytest.raises(BenchError, match=f"tests ran .*, expected {expected}"):
        passed_tests(results(cases), expected)


@pytest.mark.parametrize("tag", ["failure", "error", "skipped"])
def test_a_test_that_did_not_pass_is_named_with_its_reason(results, tag):
    cases = TWO_PASSED + f'<testcase classname="core" name="c"><{tag} message="why"/></testcase>'
    with pytest.raises(BenchError, match=rf"1 of 3 tests did not pass:\ncore\.c: {tag}: why"):
        passed_tests(results(cases), expected=3)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(BenchError, match="ended without writing its results"):
        passed_tests(tmp_path / "results.xml", expected=1)


def test_a_truncated_file_is_an_error(results):
    path = results(TWO_PASSED)
    path.write_text(path.read_text()[:-30])
    with pytest.raises(BenchError, match="not complete"):
        passed_tests(path, expected=2)
